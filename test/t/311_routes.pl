# One rule on every way: what a person may see is the same for get, watch, notifications, explain and
# the metrics, whoever is asked.
use strict;
use warnings;
use BugEvents::Projector qw(caught_up);
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('routes', projector => 1, conf => <<~'END');
	bugevents.fold_interval = 0
	bugevents.trusted_proxies = '127.0.0.1'
	END
$server->sql(<<~'END');
	INSERT INTO projects (name) VALUES ('one'), ('two');
	INSERT INTO users (username, role) VALUES ('ada', 'admin'), ('bob', 'user'), ('cyd', 'user'), ('dan', 'admin');
	CREATE TABLE staff (id bigint PRIMARY KEY, name text, role text, status text);
	INSERT INTO staff VALUES (4, 'dan', 'user', 'active');
	SELECT bugevents.attach('staff', 'user', columns => '{"username": "name", "email": "null::text", "created_at": "now()", "updated_at": "now()"}');
	CREATE TABLE members (user_id bigint, project_id bigint, PRIMARY KEY (user_id, project_id));
	SELECT bugevents.attach('members', 'membership');
	INSERT INTO members VALUES (2, 1);
	SELECT bugevents.attach('bug_reports', 'bug_report', audience => $$ARRAY['admin', 'project:' || row.project_id]$$);
	INSERT INTO bug_reports (title, project_id, creator_id, assignee_id) VALUES ('in one', 1, 2, 3), ('in two', 2, 2, 4);
	END
caught_up($server);

sub ask { my ($ws, @request) = @_; return $ws->answer(@request); }

sub gets { my ($ws, $bug) = @_; return ref ask($ws, 'get', type => 'bug_report', id => $bug) ? 'yes' : 'no'; }
sub watches { my ($ws, $bug) = @_; return ref ask($ws, 'watch', bug_report_id => $bug) ? 'yes' : 'no'; }

# Who is connected: the lower of token and tables.
my %ws = (
	'an admin by both' => $server->connect('1', role => 'admin'),
	'an admin by the table only' => $server->connect('1'),
	'a member by the table' => $server->connect('2'),
	'a member by the token' => $server->connect('3', claims => { projects => [2] }),
	'an admin by one table of two' => $server->connect('4', role => 'admin'));
my %sees = (
	'an admin by both' => 'yes yes', 'an admin by the table only' => 'no no', 'a member by the table' => 'yes no',
	'a member by the token' => 'no yes', 'an admin by one table of two' => 'no no');
for my $who (sort keys %sees)
{
	is(join(' ', map { gets($ws{$who}, $_) } 1, 2), $sees{$who}, "$who: get");
	is(join(' ', map { watches($ws{$who}, $_) } 1, 2), $sees{$who}, '... and watch says the same');
}

# The row's own key, however it is spelled.
caught_up($server);
$server->sql('DELETE FROM bugevents.watchers');
watches($ws{'a member by the table'}, $_) for '1', '01', '+1', ' 1', 1;
caught_up($server);
is($server->sql("SELECT string_agg(bug_report_id || ' ' || user_id, ', ') FROM bugevents.watchers"), '1 2', 'one bug is watched once, however its id is spelled');
my $other = $server->connect('2');
is_deeply(ask($other, 'unwatch', bug_report_id => '+01'), { watching => JSON::PP::false }, '... and unwatched');
caught_up($server);
is($server->sql('SELECT count(*) FROM bugevents.watchers'), '0', '... it is');
$server->sql("SELECT bugevents.watch('01', '2'), bugevents.watch('1', '2')");
caught_up($server);
is($server->sql("SELECT string_agg(bug_report_id || ' ' || user_id, ', ') FROM bugevents.watchers"), '1 2', '... in SQL as well');
$server->sql("SELECT bugevents.unwatch(' 1', '2')");
caught_up($server);
is($server->sql('SELECT count(*) FROM bugevents.watchers'), '0', '... and back');

# Notifications: by the tables alone, the lowest of several.
sub told
{
	my ($what, $sql, $expected) = @_;

	$server->sql('DELETE FROM bugevents.notifications');
	$server->sql($sql);
	caught_up($server);
	is($server->sql("SELECT coalesce(string_agg(concat_ws(' ', user_id, type, coalesce(title, '-'), coalesce(status, '-'), message), ', ' ORDER BY user_id, id), '') FROM bugevents.notifications"),
		$expected, $what);
	return;
}
$server->sql("SELECT bugevents.watch(b, u) FROM (VALUES ('1', '1'), ('1', '4'), ('1', '99'), ('2', '1'), ('2', '4')) AS x (b, u)");
told('a change: members, and who is an admin by every table', "UPDATE bug_reports SET status = 'busy' WHERE id = 1",
	'1 status_changed in one busy Status changed from open to busy, 2 status_changed in one busy Status changed from open to busy');
$server->sql("UPDATE users SET status = 'inactive' WHERE id = 2");
told('... not who is inactive', "UPDATE bug_reports SET status = 'open' WHERE id = 1", '1 status_changed in one open Status changed from busy to open');
$server->sql("UPDATE users SET status = 'active' WHERE id = 2; SELECT bugevents.attach('bug_reports', 'bug_report')");
told('for everyone: not who is inactive, nor unknown',
	"UPDATE users SET status = 'inactive' WHERE id = 4; UPDATE bug_reports SET status = 'new' WHERE id = 1",
	join(', ', map { "$_ status_changed in one new Status changed from open to new" } 1, 2, 3));
$server->sql("UPDATE users SET status = 'active' WHERE id = 4");

# What a comment says of its bug is as the bug is now.
$server->sql(q{SELECT bugevents.attach('bug_reports', 'bug_report', audience => $$ARRAY['admin', 'project:' || row.project_id]$$)});
told('a comment for everyone on a bug that is not', "INSERT INTO comments (bug_report_id, user_id, content) VALUES (1, 1, 'hm')",
	'2 comment_added in one new hm');
$server->sql(q{SELECT bugevents.attach('bug_reports', 'bug_report', columns => '{"title": {"column": "title", "admin": true}}')});
told('a title that was remembered, and is for admins now', "INSERT INTO comments (bug_report_id, user_id, content) VALUES (1, 1, 'hm')",
	'2 comment_added - new hm, 3 comment_added - new hm, 4 comment_added - new hm');
$server->sql(q{SELECT bugevents.attach('comments', 'comment', columns => '{"content": {"column": "content", "admin": true}}')});
told('a comment whose text is for admins', "INSERT INTO comments (bug_report_id, user_id, content) VALUES (1, 1, 'psst')",
	join(', ', map { "$_ comment_added - new " } 2, 3, 4));

# The metrics, from elsewhere: an admin by both.
sub scrapes
{
	my ($user, %o) = @_;
	my ($status) = $server->http('/metrics', headers => [ 'X-Forwarded-For: 192.0.2.1', 'Authorization: Bearer ' . $server->token($user, %o) ]);

	return $status;
}
is(scrapes('1', role => 'admin'), 200, 'metrics for an admin');
is(scrapes('1'), 401, '... by the token');
is(scrapes('2', role => 'admin'), 401, '... and by the table');
is(scrapes('4', role => 'admin'), 401, '... by each of them');
$server->sql("UPDATE users SET status = 'inactive' WHERE id = 1");
is(scrapes('1', role => 'admin'), 401, '... who is active');

# What clients write reaches the log nowhere.
my $odd = "forged\nFATAL:  forged \e[31m\x{9b}31m\r forged";
my $log = $server->log_size;
my $writer = $server->connect('2');
for my $request (
	[ 'get', type => $odd, id => 1 ], [ 'get', type => 'bug_report', id => $odd ], [ 'get', type => 'user', id => $odd ],
	[ 'list', type => $odd ], (map { [ 'list', type => 'bug_report', $_ => $odd ] } qw(project_id status after limit), $odd),
	[ 'list', type => 'comment', bug_report_id => $odd ], [ 'list', type => 'notification', after => $odd ],
	(map { [ $_, bug_report_id => $odd ] } qw(watch unwatch)), [ 'read', notification_id => $odd ], [ 'disconnect', connection_id => $odd ],
	[ 'subscribe', types => [$odd] ], [ 'subscribe', $odd => [] ], [ 'authenticate', token => $odd ], [$odd])
{
	ask($writer, @$request);
}
unlike($server->log_since($log), qr/forged/, 'no text of a client is in the log');

# explain_delivery says the same of who isn't connected.
$server->sql("UPDATE bug_reports SET title = 'x' WHERE id = 2");
$server->fence;
my $seq = $server->sql("SELECT max(seq) FROM bugevents.events() WHERE type = 'bug_report'");
is($server->sql("SELECT verdict FROM bugevents.explain_delivery($seq, '1') WHERE finding = 'right'"), 'reason', 'explain: not who is inactive');
is($server->sql("SELECT verdict FROM bugevents.explain_delivery($seq, '2') WHERE finding = 'right'"), 'fine', '... who is active');
$server->node->stop;
done_testing();
