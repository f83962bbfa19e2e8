# What users ask for themselves: notifications, unread ones, what they watch.
use strict;
use warnings;
use BugEvents::Projector qw(caught_up);
use BugEvents::Server;
use JSON::PP;
use Test::More;

my $server = BugEvents::Server->start_new('personal', projector => 1, conf => "bugevents.fold_interval = 0\n");
$server->sql(<<~'END');
	INSERT INTO users (username, email, role) VALUES ('ada', 'ada@example.org', 'admin'), ('bob', 'bob@example.org', 'user'), ('cyd', 'cyd@example.org', 'user');
	INSERT INTO bug_reports (title, creator_id, assignee_id) VALUES ('one', 2, 2), ('two', 3, 3);
	CREATE TABLE secret (LIKE bug_reports INCLUDING ALL);
	SELECT bugevents.attach('secret', 'bug_report', audience => 'admin user:3');
	INSERT INTO secret (id, title, creator_id) OVERRIDING SYSTEM VALUE VALUES (77, 'secret', 3);
	END
caught_up($server);
my $bob = $server->connect('2');
my $cyd = $server->connect('3');

sub ask { my ($ws, @request) = @_; return $ws->answer(@request); }

is($bob->{ready}{payload}{unread}, 1, 'ready says how many are not read');
is($server->connect('99')->{ready}{payload}{unread}, 0, '... none of somebody who is new');
$server->sql("UPDATE bug_reports SET status = 's$_' WHERE id = 1") for 1 .. 3;
caught_up($server);

# The list.
my $list = ask($bob, 'list', type => 'notification');
is(join(' ', map { "$_->{type}:$_->{message}" } @{ $list->{items} }), 'status_changed:Status changed from s2 to s3 status_changed:Status changed from s1 to s2 status_changed:Status changed from open to s1 welcome:Welcome, bob',
	'list: the newest first') or diag explain $list;
is($list->{next}, undef, '... all of them');
my $first = ask($bob, 'list', type => 'notification', limit => 3);
my $rest = ask($bob, 'list', type => 'notification', limit => 3, after => $first->{next});
is_deeply([ map { $_->{id} } @{ $first->{items} }, @{ $rest->{items} } ], [ map { $_->{id} } @{ $list->{items} } ], '... in pages');
is(ask($bob, 'list', type => 'notification', limit => $_), 'invalid_field', "limit $_") for 0, 1001, 'x';
is(ask($bob, 'list', type => 'notification', after => $_), 'invalid_field', "after $_") for '', '-1', "1 OR 1=1", '9' x 30, [];
is(ask($bob, 'list', type => 'notification', unread => 1), 'invalid_field', 'unread that is no boolean');
is(ask($bob, 'list', type => 'notification', unraed => JSON::PP::true), 'invalid_field', 'a misspelt member does not widen the list');
is_deeply([ map { $_->{user_id} } @{ ask($cyd, 'list', type => 'notification')->{items} } ], [3], "nobody gets another one's");

# Reading.
my $other = $server->connect('2');
my $newest = $list->{items}[0]{id};
is_deeply(ask($bob, 'read', notification_id => $newest), { read => JSON::PP::true, unread => 3 }, 'read');
my $told = $other->wait_for(sub { $_[0]{type} eq 'notification' && $_[0]{action} eq 'read' });
is_deeply([ $told->{payload}{id}, $told->{actor} ], [ $newest, '2' ], '... which other pages hear, and who did it');
is_deeply(ask($bob, 'read', notification_id => "$newest"), { read => JSON::PP::false, unread => 3 }, 'a second time changes nothing');
is(ask($cyd, 'read', notification_id => $newest), 'not_found', "another one's is not there");
is(ask($bob, 'read', notification_id => $_), 'not_found', "no such id: $_") for 999999, '1; DROP TABLE x', '';
is(ask($bob, 'read'), 'missing_field', 'no id');
is(ask($bob, 'read', notification_id => [1]), 'invalid_field', 'an id that is a list');
is(scalar(@{ ask($bob, 'list', type => 'notification', unread => JSON::PP::true)->{items} }), 3, 'list: those that are not read');
is_deeply(ask($bob, 'read_all'), { read => 3, unread => 0 }, 'read_all');
is($server->connect('2')->{ready}{payload}{unread}, 0, '... none are left');
is($server->sql("SELECT count(*) FROM bugevents.notifications WHERE user_id = '3' AND read"), '0', '... of this user, not of others');

# Watching.
is_deeply(ask($bob, 'watch', bug_report_id => 2), { watching => JSON::PP::true }, 'watch');
my $watch = $other->wait_for(sub { $_[0]{type} eq 'watch' });
is_deeply([ $watch->{action}, $watch->{payload}{bug_report_id} ], [ 'created', 2 ], '... which other pages hear');
$server->sql("INSERT INTO comments (bug_report_id, user_id, content) VALUES (2, 3, 'for those who watch')");
is($bob->wait_for(sub { $_[0]{type} eq 'notification' && $_[0]{action} eq 'comment_added' })->{payload}{message}, 'for those who watch', 'who watches hears');
is_deeply(ask($bob, 'unwatch', bug_report_id => '2'), { watching => JSON::PP::false }, 'unwatch');
caught_up($server);
is($server->sql("SELECT count(*) FROM bugevents.watchers WHERE user_id = '2'"), '0', '... and it is so');
is(ask($bob, 'watch', bug_report_id => 12345), 'not_found', 'a bug that is not there');
is(ask($bob, 'watch', bug_report_id => 77), 'not_found', 'one that he may not see');
is_deeply(ask($cyd, 'watch', bug_report_id => 77), { watching => JSON::PP::true }, 'who may see it, may watch it');
is(ask($bob, 'watch'), 'missing_field', 'no id');
caught_up($server);
is($server->sql("SELECT string_agg(bug_report_id || ' ' || user_id, ', ') FROM bugevents.watchers WHERE bug_report_id = '77'"), '77 3', 'nobody else does');

# What admins may: see who is connected, and end that.
my $ada = $server->connect('1', role => 'admin');
is(ask($bob, 'connections'), 'forbidden', 'connections are for admins');
is(ask($bob, 'disconnect', connection_id => $cyd->{ready}{payload}{connection_id}), 'forbidden', '... and so is to end one');
my ($found) = grep { $_->{id} eq $cyd->{ready}{payload}{connection_id} } @{ ask($ada, 'connections', limit => 1000)->{items} };
is_deeply([ @$found{qw(user_id role address gateway)} ], [ '3', 'user', '127.0.0.1', 1 ], 'an admin sees them');
is(scalar(@{ ask($ada, 'connections', limit => 1)->{items} }), 1, '... as many as are asked for');
is_deeply(ask($ada, 'disconnect', connection_id => $found->{id}), { disconnected => JSON::PP::true }, 'disconnect');
$cyd->wait_close;
is($cyd->close_code, 1008, '... ends it');
is(ask($ada, 'disconnect', connection_id => 'x'), 'not_found', '... one that is there');
my $claims = $server->connect('2', role => 'admin');
is(ask($claims, 'connections'), 'forbidden', 'a token that says more than the table does not help');

# How the server is, and why something didn't arrive.
is(ask($bob, 'inspect', parts => ['metrics']), 'forbidden', 'how the server is, is for admins');
is(ask($bob, 'explain', seq => 1, user_id => '1'), 'forbidden', '... why something did not arrive');
is(ask($bob, 'visible', seqs => [1], user_id => '1'), 'forbidden', '... and what others may see');
is(ask($claims, 'inspect', parts => ['metrics']), 'forbidden', '... whatever the token says');
my @parts = qw(samples alerts attachments connections metrics);
my $all = ask($ada, 'inspect', parts => \@parts);
is(join(' ', sort keys %$all), join(' ', sort @parts), 'inspect: the parts that are asked for');
is((grep { $_->{name} eq 'bugevents_connections' } @{ $all->{metrics} })[0]{value}, scalar(@{ $all->{connections} }), '... metrics');
my ($journal) = grep { $_->{name} eq 'journal_size' } @{ $all->{alerts} };
is_deeply([ @$journal{qw(raised since)} ], [ JSON::PP::false, undef ], '... alerts');
like($journal->{advice}, qr/retention_size/, '... with what to do');
is((grep { $_->{tbl} eq 'public.comments' } @{ $all->{attachments} })[0]{entity}, 'comment', '... attachments');
ok(!exists $all->{attachments}[0]{last_error}, '... without what an expression said of a row');
ok($all->{samples}[0]{journal_bytes} > 0 && @{ $all->{samples}[0]{delays} } == 13, '... samples');
is(ask($ada, 'inspect', parts => ['samples'], since => $all->{samples}[0]{at})->{samples}[0]{at} // '', $all->{samples}[1]{at} // '', '... those behind a moment');
is(ask($ada, 'inspect', %$_), 'invalid_field', 'inspect ' . encode_json($_))
	for {}, { parts => 'metrics' }, { parts => [] }, { parts => ['passwords'] }, { parts => ['metrics'], limit => 0 },
	{ parts => ['samples'], since => "now() or 1=1" }, { parts => ['metrics'], more => 1 };

my $secret = $server->sql("SELECT seq FROM bugevents.events(0, 100000) WHERE type = 'bug_report' AND payload ->> 'title' = 'secret'");
my $open = $server->sql("SELECT seq FROM bugevents.events(0, 100000) WHERE type = 'bug_report' AND payload ->> 'title' = 'one' LIMIT 1");
my $why = ask($ada, 'explain', seq => $secret, user_id => '2');
is((grep { $_->{finding} eq 'right' } @{ $why->{items} })[0]{verdict}, 'reason', 'explain: why an event did not reach somebody');
unlike(encode_json($why), qr/"secret"/, '... not what it says');
is(ask($ada, 'explain', seq => 'x', user_id => '2'), 'invalid_field', '... of a seq');
is(ask($ada, 'explain', seq => 1), 'missing_field', '... and a user');
my $seen = ask($ada, 'visible', user_id => '2', seqs => [ $secret + 0, $open + 0, 1 ]);
is_deeply([ map { "$_->{seq} $_->{verdict}" } @{ $seen->{items} } ], [ "$secret no", "$open yes" ], 'visible: which events somebody may see');
is(ask($ada, 'visible', user_id => 3, seqs => [ $secret + 0 ])->{items}[0]{verdict}, 'yes', '... somebody else sees another one');
$server->sql("INSERT INTO users (id, username, status) VALUES (98, 'dan', 'inactive')");
is(ask($ada, 'visible', user_id => '98', seqs => [ $open + 0 ])->{items}[0]{verdict}, 'no', '... who may not come sees nothing');
is(ask($ada, 'visible', user_id => '2', seqs => $_), 'invalid_field', 'visible ' . encode_json([$_])) for 1, ['1'], [0], [1 .. 201];

# A table that is locked holds nobody up who connects.
my $blocker = $server->session;
$blocker->query_safe('BEGIN; LOCK bugevents.notifications');
my $late = $server->connect('2');
ok(!exists $late->{ready}{payload}{unread}, 'locked: the number is not known, and it connects all the same');
$blocker->query_safe('COMMIT');
$blocker->quit;
done_testing();
