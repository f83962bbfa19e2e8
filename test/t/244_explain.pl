# Why did my event not arrive: what can be said of a change, and of a delivery.
use strict;
use warnings;
use BugEvents::Server;
use JSON::PP ();
use Test::More;

my $server = BugEvents::Server->start_new('explain', streaming => 1, conf => "bugevents.gateways = 2\nbugevents.ended_connections = 20\nbugevents.max_connections_per_user = 4\n");
my $node = $server->node;

# The findings of a query: name => [ [ verdict, detail ], ... ].
sub findings
{
	my ($query, $database) = @_;
	my %found;

	for (split /\n/, $node->safe_psql($database // 'postgres', "SELECT * FROM $query"))
	{
		my ($finding, $verdict, $detail) = split /\|/, $_, 3;
		push @{ $found{$finding} }, [ $verdict, $detail ];
	}
	return \%found;
}

sub change { return findings("bugevents.explain_change('$_[0]', '$_[1]')", $_[2]); }
sub is_finding
{
	my ($found, $finding, $verdict, $detail, $what) = @_;
	my ($one) = @{ $found->{$finding} // [] };

	is($one && $one->[0], $verdict, "$what: $finding is $verdict");
	like($one ? $one->[1] : '', $detail, '... and says why') if $detail;
	return;
}

#
# explain_change: where nothing is captured at all
#

$server->sql("INSERT INTO projects (name) VALUES ('p')");
$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->safe_psql('other', 'CREATE TABLE t (id int PRIMARY KEY); CREATE EXTENSION bugevents');
is_finding(change('t', 1, 'other'), 'database', 'reason', qr/^bugevents\.database is "postgres", and this is "other"$/, 'another database');
$server->set('bugevents.enabled', 'off');
BugEvents::Server::wait_until(sub { change('projects', 1)->{enabled}[0][0] eq 'reason' }, 'the switch');
pass('off is a reason');
$server->set('bugevents.enabled', 'on');
$server->wait_ready;
is_finding(change('projects', 1), 'enabled', 'fine', undef, 'on again');
is_finding(change('projects', 1), 'events', 'note', qr/^the journal has 1 of project 1; retention has dropped/, 'another stream');

#
# explain_delivery
#

sub delivery { my ($seq, $user) = @_; return findings("bugevents.explain_delivery($seq, '$user')"); }
sub id_of { return $_[0]{ready}{payload}{connection_id}; }

# The finding about one connection.
sub connection
{
	my ($seq, $user, $ws) = @_;

	return grep { $_->[1] =~ /^\Q@{[id_of($ws)]}\E / } @{ delivery($seq, $user)->{connection} };
}
sub is_connection
{
	my ($seq, $user, $ws, $verdict, $detail, $what) = @_;
	my ($one) = connection($seq, $user, $ws);

	is($one && $one->[0], $verdict, "$what: $verdict") or diag explain $one;
	like($one ? $one->[1] : '', $detail, '... and says why');
	return;
}

# The reports of gateways come once a second.
sub wait_connection
{
	my ($condition, $seq, $user, $ws) = @_;

	BugEvents::Server::wait_until(sub { my ($one) = connection($seq, $user, $ws); $one && $condition->(@$one) }, 'the connection',
		sub { join ' ', map { @$_ } connection($seq, $user, $ws) });
	return;
}
sub wait_fine { wait_connection(sub { $_[0] eq 'fine' }, @_); return; }
sub wait_subscription
{
	my ($ws, $wanted) = @_;

	BugEvents::Server::wait_until(sub {
			$server->sql("SELECT subscription FROM bugevents.connections WHERE id = '" . id_of($ws) . "'") eq $wanted;
		}, $wanted);
	pass("bugevents.connections: $wanted");
	return;
}
sub last_seq { return $server->sql("SELECT max(last_seq) FROM bugevents.journal"); }

# Where the seq is.
my $first = last_seq();
is_finding(delivery($first + 1000000000, 7), 'seq', 'reason', qr/^it doesn't exist yet: the last seq that was given out is \d+$/, 'a seq of the future');
is_finding(delivery(1, 7), 'seq', 'reason', qr/^retention has dropped what was up to seq \d+: .* resync_required$/, 'a seq of long ago');
# One that nobody has: a transaction that fails at its commit, behind its reservation, is
# hard to come by; those at a start of the server are not.
$node->restart;
$server->wait_ready;
$server->sql("INSERT INTO projects (name) VALUES ('q')");
my $seq = last_seq();
is_finding(delivery($seq - 1, 7), 'seq', 'reason', qr/^it belongs to nobody/, 'a seq that was passed over');

# Who captured it, for whom.
my $found = delivery($seq, 7);
is_finding($found, 'seq', 'fine', qr/^it is in the journal$/, 'a seq');
is_finding($found, 'event', 'note', qr/^project created of \d+, captured by the trigger of a table attached as project: public\.projects$/, 'a seq');
my ($xid, $at) = split /\|/, $server->sql("SELECT xid, committed_at FROM bugevents.events(" . ($seq - 1) . ", 1)");
is_finding($found, 'transaction', 'note', qr/^$xid, committed at \Q$at\E, event 1 of 1$/, 'a seq');
is_finding($found, 'dispatcher', 'fine', qr/passed the event on/, 'a seq');
is_finding($found, 'audience', 'note', qr/^everyone$/, 'a seq');
is_finding($found, 'user', 'fine', qr/^no attached table of users has this one: the token decides$/, 'a seq');
is_finding($found, 'right', 'fine', qr/^the user is in the audience/, 'a seq');
is_finding($found, 'connection', 'reason', qr/^this user is not connected now$/, 'a seq');
is($found->{'past connections'}, undef, 'what ended since the server started is kept');
is_finding(delivery($first, 7), 'past connections', 'unknown', qr/^those that ended before .* aren't kept: .*log_connections/, 'a seq of before');

# A connection of then, one of later, one of somebody else.
my $ws = $server->connect('7');
my $else = $server->connect('8');
$server->sql("INSERT INTO projects (name) VALUES ('r')");
$seq = last_seq();
$_->next_event for $ws, $else;
wait_fine($seq, 7, $ws);
is_connection($seq, 7, $ws, 'fine', qr/^\w{32} \(gateway [12], role user, since [^)]*\); its subscription lets it through: \{\}; what there is for it up to seq \d+ was written/, 'sent');
is(scalar @{ delivery($seq, 7)->{connection} }, 1, 'connections of others are none of its');
my $later = $server->connect('7');
wait_connection(sub { $_[1] =~ /began behind/ }, $seq, 7, $later);
is_connection($seq, 7, $later, 'reason', qr/it came later, and began behind seq $seq: it didn't resume/, 'a later connection');
my $resumed = $server->resume('7', $seq - 1, $later->{ready}{payload}{stream});
$resumed->next_event;
wait_fine($seq, 7, $resumed);
is_connection($seq, 7, $resumed, 'fine', qr/was written/, 'a later one that resumed from before');
is(scalar @{ delivery($seq, 7)->{connection} }, 3, 'each connection is told of');

# Those that have ended by now, each just after it got something; and one that was refused.
$server->sql("INSERT INTO projects (name) VALUES ('r2')");
$_->next_event for $later, $resumed;
$resumed->send_close(1000);
$resumed->wait_close;
$_->drop for $later, $else;
sub past { my ($ws, $seq) = @_; return grep { $_->[1] =~ /^\Q@{[id_of($ws)]}\E / } @{ delivery($seq, 7)->{'past connection'} // [] }; }
sub is_past
{
	my ($ws, $seq, $verdict, $detail, $what) = @_;

	BugEvents::Server::wait_until(sub { past($ws, $seq) }, "$what to be in the past");
	my ($one) = past($ws, $seq);
	is($one->[0], $verdict, "$what: $verdict");
	like($one->[1], $detail, '... and says why');
	return;
}
is_past($resumed, $seq, 'fine', qr/^\w{32} \(gateway [12], role user, since [^)]*, until [^)]*: 1000\);.* was written/, 'one that resumed and ended');
is_past($resumed, last_seq(), 'fine', qr/was written/, 'the last that it got');
is_past($later, $seq, 'reason', qr/, until [^)]*: 1006\);.*began behind seq $seq/, 'one that was cut');
is_past($later, last_seq(), 'fine', qr/was written/, 'the last that it got');
$server->sql("INSERT INTO projects (name) VALUES ('r3')");
is(delivery(last_seq(), 7)->{'past connection'}, undef, 'what ended before has nothing to do with it');
my @many = map { $server->connect('20') } 1 .. 4;
for (1 .. 2)
{
	my $refused = $server->connect('20', raw => 1);
	$refused->wait_close;
}
is_finding(delivery(last_seq(), 20), 'refused', 'reason', qr/^too_many_connections, 2 times, the last one at .* from 127\.0\.0\.1$/, 'one connection too many');
is(scalar @{ delivery(last_seq(), 20)->{refused} }, 1, 'refusals for one reason are one finding');
$_->drop for @many;
for (1 .. 20)
{
	my $passing = $server->connect('21');
	$passing->send_close(1000);
	$passing->wait_close;
}
BugEvents::Server::wait_until(sub { delivery(last_seq(), 7)->{'past connections'} }, 'the oldest to go');
is_finding(delivery(last_seq(), 7), 'past connections', 'unknown', qr/^those that ended before/, 'beyond bugevents.ended_connections');
is(delivery($seq, 7)->{'past connection'}, undef, 'the oldest are gone');

# A subscription that leaves it out, one that changed since, none.
$ws->send_json({ type => 'subscribe', payload => { types => [ 'comment', "\x{20ac}\"" ], project_ids => [7] } });
$ws->next_json;
wait_subscription($ws, '{"types": ["comment", "' . "\xe2\x82\xac" . '\\""], "project_ids": ["7"]}');
is_connection($seq, 7, $ws, 'unknown', qr/its subscription is \{"types".*\} since .* only, what it was before isn't kept/, 'subscribed since');
$server->sql("INSERT INTO projects (name) VALUES ('s')");
is_connection(last_seq(), 7, $ws, 'reason', qr/its subscription leaves it out: \{"types": \["comment"/, 'not subscribed to');
$ws->send_json({ type => 'subscribe', payload => { bug_report_ids => [ 1 .. 1000 ], conflate => JSON::PP::true() } });
$ws->next_json;
wait_subscription($ws, '{"conflate": true, "bug_report_ids": 1000}');
$server->sql("INSERT INTO bug_reports (title) VALUES ('b')");
wait_connection(sub { $_[1] =~ /was written/ }, last_seq(), 7, $ws);
is_connection(last_seq(), 7, $ws, 'unknown', qr/its subscription is too long to be known here: \{"conflate": true, "bug_report_ids": 1000\}/, 'a long list');
$ws->send_json({ type => 'unsubscribe' });
$ws->next_json;
wait_subscription($ws, '{"conflate": true, "unsubscribed": true, "bug_report_ids": 1000}');
$server->sql("INSERT INTO projects (name) VALUES ('t')");
is_connection(last_seq(), 7, $ws, 'reason', qr/its subscription leaves it out: .*"unsubscribed": true/, 'unsubscribed');
$ws->drop;

# Audiences, and who the user is.
$server->sql(q{
	INSERT INTO users (id, username, role) OVERRIDING SYSTEM VALUE VALUES (7, 'ada', 'user'), (9, 'eve', 'admin'), (10, 'bob', 'user');
	UPDATE users SET status = 'inactive' WHERE id = 10;
	CREATE TABLE members (user_id bigint, project_id bigint, PRIMARY KEY (user_id, project_id));
	INSERT INTO members VALUES (7, 3), (7, 4);
	SELECT bugevents.attach('members', 'membership');
	SELECT bugevents.attach('bug_reports', 'bug_report', audience => $$ARRAY['admin', 'project:' || row.project_id]$$)});
sub sent_to { $server->sql("SELECT bugevents.send('x', 'y', '{}', '$_[0]')"); return last_seq(); }
$seq = sent_to('admin');
is_finding(delivery($seq, 7), 'event', 'note', qr/^x y, captured by bugevents\.send\(\)/, 'a custom event');
is_finding(delivery($seq, 7), 'audience', 'note', qr/^admins$/, 'for admins');
is_finding(delivery($seq, 7), 'user', 'fine', qr/^active, and user by the tables, now; belongs to project:3, project:4$/, 'a user with a row');
is_finding(delivery($seq, 7), 'right', 'reason', qr/^the user is not in the audience/, 'no admin by the table');
is_finding(delivery($seq, 9), 'right', 'unknown', qr/it depends on the token/, 'an admin by the table');
is_finding(delivery($seq, 10), 'user', 'reason', qr/^not active now/, 'an inactive one');
is_finding(delivery($seq, 99), 'user', 'fine', qr/the token decides/, 'an unknown one');
$server->set('bugevents.require_user', 'on');
BugEvents::Server::wait_until(sub { delivery($seq, 99)->{user}[0][0] eq 'reason' }, 'require_user');
pass('an unknown one, where the table must have it');
$server->set('bugevents.require_user', 'off');
my $user = $server->connect('7', role => 'admin');
my $admin = $server->connect('9', role => 'admin');
$seq = sent_to('admin');
$admin->next_event;
wait_fine($seq, 9, $admin);
is_connection($seq, 9, $admin, 'fine', qr/role admin/, 'an admin\'s connection');
is_connection($seq, 7, $user, 'reason', qr/role user, .*; not in the audience;/, 'one whose token says admin in vain');
is_finding(delivery(sent_to('user:7 user:8'), 7), 'right', 'fine', undef, 'named');
is_finding(delivery(last_seq(), 9), 'right', 'reason', undef, 'not named');
is_finding(delivery(last_seq(), 9), 'audience', 'note', qr/^user 7, user 8$/, 'named');
is_finding(delivery(sent_to('project:4'), 7), 'right', 'fine', undef, 'a member');
is_finding(delivery(sent_to('project:5'), 7), 'right', 'unknown', qr/names the project/, 'one whom tables do not know as a member');
wait_connection(sub { $_[1] =~ /was written/ }, last_seq(), 7, $user);
is_connection(last_seq(), 7, $user, 'unknown', qr/in the audience if its token names the project/, 'its connection');

# A row that moves: who loses it, who gains it, who has it before and after.
$server->sql("INSERT INTO projects (id, name) OVERRIDING SYSTEM VALUE SELECT i, i FROM generate_series(1090, 1091) i; INSERT INTO bug_reports (title, project_id) VALUES ('moves', 1090)");
$server->sql("UPDATE bug_reports SET project_id = 1091 WHERE project_id = 1090");
my ($lost, $gained, $kept) = map { $server->sql("SELECT seq FROM bugevents.events($seq) WHERE action = '$_' AND type = 'bug_report' AND seq > " . (last_seq() - 3)) } qw(moved_out created updated);
is_finding(delivery($lost, 7), 'audience', 'note', qr/^members of project 1090; except: admins, members of project 1091$/, 'a goodbye');
is_finding(delivery($kept, 7), 'audience', 'note', qr/^admins, members of project 1091; of them those who are also: admins, members of project 1090$/, 'what is kept');
is_finding(delivery($lost, 9), 'right', 'unknown', undef, 'a goodbye is not for admins, if it is one');
is_connection($lost, 9, $admin, 'reason', qr/not in the audience/, '... nor for the admin\'s connection');

# One that lags, one whose dispatcher does.
$_->drop for $user, $admin;
my $slow = $server->connect('11', rcvbuf => 4096);
$server->sql("INSERT INTO projects (name, description) SELECT 'x', repeat('x', 100000) FROM generate_series(1, 300)");
$seq = last_seq();
wait_connection(sub { $_[0] eq 'reason' }, $seq, 11, $slow);
is_connection($seq, 11, $slow, 'reason', qr/not sent yet, a moment ago: it lags, and has what there is for it up to seq \d+$/, 'a slow client');
$slow->drop;
my $dispatcher = $server->dispatcher_pid;
$server->stop_worker($dispatcher);
$server->sql("INSERT INTO projects (name) VALUES ('u')");
is_finding(delivery(last_seq(), 11), 'dispatcher', 'reason', qr/^it has got to seq \d+ only$/, 'a dispatcher that stands still');
kill 'CONT', $dispatcher;

# One whose commit waits for a standby.
$server->events_before_fence(my $fence = $server->connect('12'));
$seq = last_seq() + 1;
$server->set('synchronous_standby_names' => 'nobody');
my $waiting = $server->session;
$waiting->query_until(qr/sent/, "\\echo sent\nINSERT INTO projects (name) VALUES ('waits');\n");
BugEvents::Server::wait_until(sub { delivery($seq, 12)->{seq}[0][1] =~ /^it isn't settled yet: .* settled up to seq @{[$seq - 1]}$/ }, 'the commit to wait');
pass('a commit that waits is not settled yet');
$server->set('synchronous_standby_names' => '');
is($fence->next_event->{seq}, $seq, '... and comes, once it is');
$waiting->quit;

# A table of users that can't be read; a right that isn't one's own.
$server->sql("CREATE FUNCTION broken() RETURNS text LANGUAGE plpgsql STABLE AS 'BEGIN RETURN 1/0; END'");
$server->sql("SELECT bugevents.attach('users', 'user', columns => '{\"status\": \"broken()\"}')");
is_finding(delivery($seq, 7), 'user', 'reason', qr/^the tables of users can't be read, and so nobody is let in: division by zero$/, 'a broken table of users');
$server->sql('CREATE ROLE nobody_special; CREATE ROLE reader IN ROLE pg_read_all_data');
isnt($node->psql('postgres', "SET ROLE nobody_special; SELECT * FROM bugevents.explain_delivery(1, '7')"), 0, 'not everybody may ask');
is($node->psql('postgres', "SET ROLE reader; SELECT * FROM bugevents.explain_delivery($seq, '7')"), 0, 'who may read the journal may');
isnt($node->psql('postgres', "SELECT * FROM bugevents.explain_delivery(0, '7')"), 0, 'seq 0 is none');

# None kept.
$node->append_conf('postgresql.conf', "bugevents.ended_connections = 0\n");
$node->restart;
$server->wait_ready;
$server->sql("SELECT bugevents.detach('users'); INSERT INTO projects (name) VALUES ('v')");
my $brief = $server->connect('7');
$brief->send_close(1000);
$brief->wait_close;
BugEvents::Server::wait_until(sub { delivery(last_seq(), 7)->{'past connections'} }, 'the end of the connection');
is_finding(delivery(last_seq(), 7), 'past connections', 'unknown', qr/^those that ended before .* aren't kept/, 'with bugevents.ended_connections = 0');
is(delivery(last_seq(), 7)->{'past connection'}, undef, '... none is');

# Not preloaded: it says so, instead of failing like everything else.
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\n");
$node->restart;
is_finding(change('projects', 1), 'library', 'reason', qr/shared_preload_libraries/, 'not preloaded');
$node->stop;
done_testing();
