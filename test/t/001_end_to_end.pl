# A committed change reaches the client; what did not commit never does.
use strict;
use warnings;
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('end_to_end');
my $ws = $server->connect('42', role => 'admin');
my $ready = $ws->{ready}{payload};

like($ready->{stream}, qr/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'ready names the stream');
is($ready->{stream}, $server->sql('SELECT id FROM bugevents.stream'), '... of this database');
is($ready->{user_id}, '42', 'ready names the user');
is($ready->{role}, 'admin', 'ready names the role');
like($ready->{seq}, qr/^\d+$/, 'ready has a seq');
ok(defined $ready->{$_}, "ready has $_") for qw(connection_id expires_at ping_interval limits);

# One INSERT.
$server->sql("INSERT INTO projects (name, description) VALUES ('Apollo', 'to the moon')");
my $event = $ws->next_event;
is("$event->{type} $event->{action}", 'project created', 'an INSERT arrives');
is($event->{payload}{name}, 'Apollo', '... with its row');
is($event->{payload}{id}, 1, '... and its id');
ok($event->{seq} > $ready->{seq}, '... after the seq of ready');
is_deeply([ @{ $event->{tx} }{qw(n of)} ], [ 1, 1 ], '... as one of one');
like($event->{tx}{id}, qr/^\d+$/, '... with the transaction');
like($event->{at}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/, '... and the time');

# Ids keep their JSON type: a number in the text of the message.
$server->sql("INSERT INTO projects (name) VALUES ('Gemini')");
like($ws->next_text, qr/"id":\s*2\b/, 'a bigint id is a number');

# What each action says, and in which order.
$server->sql(<<~'END');
	INSERT INTO users (username, email, role, status) VALUES
		('ada', 'ada@example.org', 'admin', 'active'), ('bob', 'bob@example.org', 'user', 'active');
	INSERT INTO bug_reports (title, description, creator_id, project_id)
		VALUES ('It crashes', 'always', 1, 1);
	END
my @events = $server->events_before_fence($ws);
is_deeply([ map { "$_->{type} $_->{action}" } @events ],
	[ 'user created', 'user created', 'bug_report created' ], 'one event for each row');
my %bug = %{ $events[2]{payload} };
ok(exists $bug{$_}, "bug_report has $_")
  for qw(id title description status priority creator_id assignee_id project_id created_at updated_at);

$server->sql("UPDATE bug_reports SET status = 'in_progress', assignee_id = 2, title = 'It crashes hard' WHERE id = 1");
@events = $server->events_before_fence($ws);
is_deeply([ map { $_->{action} } @events ], [qw(updated status_changed assigned)],
	'an UPDATE of several fields: updated, status_changed, assigned');
is_deeply([ map { "$_->{tx}{n}/$_->{tx}{of}" } @events ], [qw(1/3 2/3 3/3)], '... numbered in the transaction');
is(keys %{ { map { $_->{tx}{id} => 1 } @events } }, 1, '... of one transaction');
is_deeply($events[0]{changes}{title}, [ 'It crashes', 'It crashes hard' ], '... with old and new title');
is_deeply($events[0]{changes}{status}, [ $bug{status}, 'in_progress' ], '... and status');
is_deeply($events[0]{changes}{assignee_id}, [ undef, 2 ], '... and assignee');
ok(!exists $events[0]{changes}{description}, '... and nothing that stayed');
is($events[$_]{payload}{status}, 'in_progress', "... the row as it is now ($events[$_]{action})") for 0 .. 2;

$server->sql('UPDATE bug_reports SET assignee_id = NULL WHERE id = 1');
@events = $server->events_before_fence($ws);
is_deeply([ map { $_->{action} } @events ], [qw(updated unassigned)], 'the assignee is taken away');

$server->sql("UPDATE users SET status = 'inactive' WHERE id = 2");
@events = $server->events_before_fence($ws);
is_deeply([ map { "$_->{type} $_->{action}" } @events ],
	[ 'user updated', 'user status_changed' ], 'a user is deactivated');

$server->sql('UPDATE bug_reports SET title = title, updated_at = updated_at WHERE id = 1');
is_deeply([ map { $_->{action} } $server->events_before_fence($ws) ], [],
	'an UPDATE that changes nothing publishes nothing');

$server->sql("INSERT INTO comments (bug_report_id, user_id, content) VALUES (1, 1, 'me too')");
$server->sql("UPDATE comments SET content = 'me three'");
$server->sql('DELETE FROM comments');
@events = $server->events_before_fence($ws);
is_deeply([ map { "$_->{type} $_->{action}" } @events ],
	[ map { "comment $_" } qw(created updated deleted) ], 'the life of a comment');
is($events[2]{payload}{content}, 'me three', 'deleted carries the old row');

# Rollback.
$server->sql("BEGIN; INSERT INTO projects (name) VALUES ('never'); ROLLBACK");
$server->node->psql('postgres',
	"BEGIN; INSERT INTO projects (name) VALUES ('never'); SELECT 1/0; COMMIT");
is_deeply([ map { $_->{payload}{name} } $server->events_before_fence($ws) ], [],
	'nothing of transactions that rolled back');

# Savepoints and caught exceptions.
$server->sql(<<~'END');
	BEGIN;
	INSERT INTO projects (name) VALUES ('a');
	SAVEPOINT one;
	INSERT INTO projects (name) VALUES ('never');
	SAVEPOINT two;
	INSERT INTO projects (name) VALUES ('never');
	RELEASE two;
	ROLLBACK TO one;
	INSERT INTO projects (name) VALUES ('b');
	SAVEPOINT three;
	INSERT INTO projects (name) VALUES ('c');
	RELEASE three;
	DO $$ BEGIN
		INSERT INTO projects (name) VALUES ('never');
		PERFORM 1/0;
	EXCEPTION WHEN division_by_zero THEN
		INSERT INTO projects (name) VALUES ('d');
	END $$;
	COMMIT;
	END
@events = $server->events_before_fence($ws);
is_deeply([ map { $_->{payload}{name} } @events ], [qw(a b c d)], 'savepoints take back what is theirs');
is_deeply([ map { "$_->{tx}{n}/$_->{tx}{of}" } @events ], [ map { "$_/4" } 1 .. 4 ], '... n and of without holes');
is_deeply([ map { $_->{seq} - $events[0]{seq} } @events ], [ 0 .. 3 ], '... and contiguous seqs');

# Nothing before COMMIT.
my $session = $server->session;
$session->query_safe("BEGIN; INSERT INTO projects (name) VALUES ('held')");
is_deeply([ map { $_->{payload}{name} } $server->events_before_fence($ws) ], [],
	'nothing before the COMMIT');
$session->query_safe('COMMIT');
is($ws->next_event->{payload}{name}, 'held', '... and the event after it');
$session->quit;

# A custom event is transactional too.
$server->sql("BEGIN; SELECT bugevents.send('build', 'never', '{}'); ROLLBACK");
$server->sql(q{SELECT bugevents.send('build', 'finished', '{"ok": true}')});
$event = $ws->next_event;
is("$event->{type} $event->{action}", 'build finished', 'send() publishes at commit, not at rollback');
ok($event->{payload}{ok}, '... its payload');

# The journal says the same as the socket.
my $count = $server->sql("SELECT count(*) FROM bugevents.events($ready->{seq}, 100000)");
cmp_ok($count, '>=', 30, 'the journal has the events');
is($server->sql("SELECT payload->>'name' FROM bugevents.events($ready->{seq}, 1)"), 'Apollo', '... from the first on');

is($ws->finish, 1000, 'a tidy end');
done_testing();
