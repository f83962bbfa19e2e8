# The projector: exactly once, over kills; a history compared with a reference; poison.
use strict;
use warnings;
use BugEvents::Projector qw(caught_up gathered);
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('projector', projector => 1, conf => <<~'END');
	bugevents.fold_interval = 0
	bugevents.projector_error_rows = 3
	bugevents.retention = 1h
	restart_after_crash = on
	END

# A random history of n changes, in transactions of a few.  It is the same for the
# same seed, but for the order of concurrent parts.
$server->sql(<<~'END');
	CREATE PROCEDURE history(n int, seed float8) LANGUAGE plpgsql AS $$
	DECLARE
		bug bigint;
		who int;
		kind float8;
	BEGIN
		PERFORM setseed(seed);
		FOR i IN 1..n LOOP
			PERFORM set_config('bugevents.actor', CASE WHEN random() < 0.3 THEN '' ELSE (1 + floor(random() * 20))::text END, false);
			who := 1 + floor(random() * 20);
			kind := random();
			SELECT id INTO bug FROM bug_reports ORDER BY id OFFSET floor(random() * least(50, (SELECT count(*) FROM bug_reports))) LIMIT 1;
			IF bug IS NULL OR kind < 0.1 THEN
				INSERT INTO bug_reports (title, creator_id, assignee_id)
					VALUES ('bug ' || i, who, CASE WHEN random() < 0.5 THEN 1 + floor(random() * 20) END);
			ELSIF kind < 0.3 THEN
				UPDATE bug_reports SET status = (ARRAY['open', 'busy', 'closed'])[1 + floor(random() * 3)] WHERE id = bug;
			ELSIF kind < 0.45 THEN
				UPDATE bug_reports SET assignee_id = CASE WHEN random() < 0.8 THEN who END WHERE id = bug;
			ELSIF kind < 0.55 THEN
				UPDATE bug_reports SET priority = (ARRAY['low', 'high'])[1 + floor(random() * 2)], title = title || '.' WHERE id = bug;
			ELSIF kind < 0.6 THEN
				UPDATE bug_reports SET priority = 'p' || i, status = 's' || i, assignee_id = who WHERE id = bug;
			ELSIF kind < 0.8 THEN
				INSERT INTO comments (bug_report_id, user_id, content) VALUES (bug, CASE WHEN random() < 0.9 THEN who END, 'comment ' || i);
			ELSIF kind < 0.83 THEN
				DELETE FROM comments WHERE id = (SELECT max(id) FROM comments WHERE bug_report_id = bug);
			ELSIF kind < 0.84 THEN
				DELETE FROM bug_reports WHERE id = bug;
			ELSIF kind < 0.92 THEN
				PERFORM set_config('bugevents.actor', '', false);
				PERFORM bugevents.watch(bug::text, who::text);
			ELSE
				PERFORM set_config('bugevents.actor', '', false);
				PERFORM bugevents.unwatch(bug::text, who::text);
			END IF;
			IF random() < 0.5 THEN
				COMMIT;
			ELSIF random() < 0.1 THEN
				ROLLBACK;
			END IF;
		END LOOP;
	END $$;
	INSERT INTO users (username, email) SELECT 'user ' || n, n || '@example.org' FROM generate_series(1, 20) AS n;
	END

# What should be there, in plain SQL over the journal's events.
my $reference = <<~'END';
	CREATE TEMP TABLE e AS SELECT *, payload ->> 'id' AS id FROM bugevents.events(0, 10000000);
	CREATE INDEX ON e (type, id, seq);
	CREATE INDEX ON e (type, (payload ->> 'bug_report_id'), seq);
	ANALYZE e;

	-- Who began or ended to watch a bug, and when.
	CREATE TEMP TABLE w AS
	SELECT seq, payload ->> 'bug_report_id' AS bug, payload ->> 'user_id' AS who, action = 'created' AS watches
	  FROM e WHERE type = 'watch'
	 UNION ALL
	SELECT seq, payload ->> 'bug_report_id', payload ->> 'user_id', true
	  FROM e WHERE type = 'comment' AND action = 'created' AND payload ->> 'user_id' IS NOT NULL;
	CREATE INDEX ON w (bug, who, seq);

	CREATE FUNCTION pg_temp.watchers(b text, at bigint) RETURNS SETOF text LANGUAGE sql AS $$
		SELECT who FROM (SELECT DISTINCT ON (who) who, watches FROM w WHERE bug = b AND seq < at ORDER BY who, seq DESC) AS last
		 WHERE watches
	$$;

	CREATE TEMP TABLE wanted AS
	-- the whole of a bug's group
	WITH told AS (
		SELECT e.seq, CASE WHEN e.action = 'status_changed' THEN 'status_changed' ELSE 'priority_changed' END AS type,
		       e.id AS bug, NULL AS comment, e.payload ->> 'creator_id' AS creator, e.payload ->> 'assignee_id' AS assignee, e.actor AS but,
		       e.payload ->> 'title' AS title, committed_at
		  FROM e
		 WHERE e.type = 'bug_report' AND (e.action = 'status_changed' OR e.action = 'updated' AND e.changes ? 'priority')
		 UNION ALL
		SELECT e.seq, 'comment_added', b.id, e.id, b.payload ->> 'creator_id', b.payload ->> 'assignee_id',
		       coalesce(e.payload ->> 'user_id', e.actor), b.payload ->> 'title', e.committed_at
		  FROM e CROSS JOIN LATERAL (
		       SELECT * FROM e AS b WHERE b.type = 'bug_report' AND b.id = e.payload ->> 'bug_report_id' AND b.seq < e.seq
		          AND b.action IN ('created', 'updated') ORDER BY b.seq DESC LIMIT 1) AS b
		 WHERE e.type = 'comment' AND e.action = 'created')
	SELECT told.type, who, bug, comment, title, committed_at
	  FROM told CROSS JOIN LATERAL (SELECT creator UNION SELECT assignee UNION SELECT * FROM pg_temp.watchers(bug, seq)) AS part (who)
	 WHERE who IS NOT NULL AND who IS DISTINCT FROM but
	 UNION ALL
	SELECT 'bug_assigned', payload ->> 'assignee_id', id, NULL, payload ->> 'title', committed_at
	  FROM e
	 WHERE type = 'bug_report' AND payload ->> 'assignee_id' IS NOT NULL
	   AND (action = 'assigned' AND actor IS DISTINCT FROM payload ->> 'assignee_id'
	        OR action = 'created' AND coalesce(actor, payload ->> 'creator_id') IS DISTINCT FROM payload ->> 'assignee_id')
	 UNION ALL
	SELECT 'welcome', id, NULL, NULL, 'Welcome', committed_at FROM e WHERE type = 'user' AND action = 'created';

	-- What is gone takes what was told of it along.
	DELETE FROM wanted USING e WHERE e.type = 'bug_report' AND e.action = 'deleted' AND e.id = bug;
	DELETE FROM wanted USING e WHERE e.type = 'comment' AND e.action = 'deleted' AND e.id = comment;

	CREATE TEMP TABLE found AS SELECT type, user_id AS who, bug_report_id AS bug, comment_id AS comment, title, created_at AS committed_at FROM bugevents.notifications;
	SELECT (SELECT count(*) FROM wanted) || ' wanted, missing '
	    || (SELECT count(*) FROM (TABLE wanted EXCEPT ALL TABLE found) AS m) || ', too many '
	    || (SELECT count(*) FROM (TABLE found EXCEPT ALL TABLE wanted) AS m);
	END

# What is kept of them: an entry for each change of a row.
my $kept = <<~'END';
	CREATE TEMP TABLE wanted AS
	SELECT type AS entity, payload ->> 'id' AS id, seq, committed_at AS at, actor, action, changes FROM bugevents.events(0, 10000000)
	 WHERE type IN ('bug_report', 'comment', 'user', 'project') AND action IN ('created', 'updated', 'deleted');
	CREATE TEMP TABLE found AS SELECT entity, id, seq, at, actor, action, changes FROM bugevents.history;
	SELECT (SELECT count(*) FROM wanted) || ' wanted, missing '
	    || (SELECT count(*) FROM (TABLE wanted EXCEPT ALL TABLE found) AS m) || ', too many '
	    || (SELECT count(*) FROM (TABLE found EXCEPT ALL TABLE wanted) AS m);
	END

sub compare
{
	my ($name) = @_;
	caught_up($server);
	my $result = (split /\n/, $server->sql($reference))[-1];
	like($result, qr/^[1-9]\d+ wanted, missing 0, too many 0$/, $name) or diag($result);
	gathered($server);
	$result = (split /\n/, $server->sql($kept))[-1];
	like($result, qr/^[1-9]\d+ wanted, missing 0, too many 0$/, '... and its history') or diag($result);
	is($server->sql('SELECT count(*) FROM bugevents.projector_errors'), '0', '... no event was set aside');
	return;
}

sub pid { return $server->sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'bugevents projector'"); }

$server->sql('CALL history(10000, 0.5)');
compare('a random history of 10,000 changes');

# Killed again and again, while it is at it.
my $sent = $server->sql('SELECT count(*) FROM bugevents.notifications');
for my $round (1 .. 6)
{
	my $session = $server->session;
	$session->query_until(qr/begun/, "\\echo begun\nCALL history(400, 0.0$round);\n");
	my $pid = '';
	BugEvents::Server::wait_until(sub { $pid = eval { pid() } // ''; $pid ne '' }, 'a projector');
	# kill -9 of a process that has shared memory restarts the server.
	kill $round % 3 == 0 ? 'KILL' : 'TERM', $pid;
	eval { $session->quit };
	# The server may still answer when it hasn't noticed.
	BugEvents::Server::wait_until(sub { my $now = eval { pid() } // ''; $now ne '' && $now ne $pid }, 'another projector');
}
compare('... after kills');
cmp_ok($server->sql('SELECT count(*) FROM bugevents.notifications'), '>', $sent, '... which told of more');

# Folded, it is the same number of events.
my $single = $server->sql("SELECT string_agg(n, ' ' ORDER BY n COLLATE \"C\") FROM (SELECT concat_ws(',', type, user_id, bug_report_id, count(*)) AS n FROM bugevents.notifications WHERE type <> 'comment_added' GROUP BY type, user_id, bug_report_id) c");
my $rows = $server->sql('SELECT count(*) FROM bugevents.notifications');
$server->set('bugevents.projector', 'off');
BugEvents::Server::wait_until(sub { pid() eq '' }, 'no projector');
$server->sql('TRUNCATE bugevents.notifications, bugevents.deliveries, bugevents.bugs, bugevents.watchers, bugevents.people; UPDATE bugevents.projector SET cursor = 0');
$server->set('bugevents.fold_interval', '10min');
$server->set('bugevents.projector', 'on');
BugEvents::Server::wait_until(sub { pid() ne '' }, 'a projector');
caught_up($server);
is($server->sql("SELECT string_agg(n, ' ' ORDER BY n COLLATE \"C\") FROM (SELECT concat_ws(',', type, user_id, bug_report_id, sum(count)) AS n FROM bugevents.notifications WHERE type <> 'comment_added' GROUP BY type, user_id, bug_report_id) c"),
	$single, 'derived again, and folded: as many events');
cmp_ok($server->sql('SELECT count(*) FROM bugevents.notifications'), '<', $rows / 3, '... in far fewer notifications');

cmp_ok($server->sql('SELECT count(DISTINCT xmin::text) FROM bugevents.notifications'), '>', 5, '... in batches');

# An event that nothing can be derived from.
my $log = $server->log_size;
$server->sql(<<~'END');
	ALTER TABLE bugevents.notifications ADD CONSTRAINT poison CHECK (title <> 'poison');
	INSERT INTO bug_reports (title, assignee_id) VALUES ('before', 1);
	INSERT INTO bug_reports (title, assignee_id) VALUES ('poison', 2), ('beside', 2);
	INSERT INTO bug_reports (title, assignee_id) VALUES ('after', 3);
	END
caught_up($server);
is($server->sql("SELECT string_agg(title, ' ' ORDER BY id) FROM bugevents.notifications WHERE title IN ('before', 'poison', 'beside', 'after')"), 'before beside after',
	'poison is passed, and nothing beside it is lost');
is($server->sql("SELECT type || ' ' || action || ' ' || sqlstate FROM bugevents.projector_errors"), 'bug_report created 23514', '... and told');
$server->wait_log(qr/WARNING: .*could not derive anything from event \d+: .*poison/, $log);
is($server->sql("SELECT count(*) FROM bugevents.projector_errors AS p, LATERAL (SELECT * FROM bugevents.events(p.seq - 1, 1)) AS e WHERE e.payload ->> 'title' = 'poison'"), '1', '... by its seq');

# Of many the last ones are kept.
$server->sql("INSERT INTO bug_reports (title, assignee_id) SELECT 'poison', i FROM generate_series(11, 15) i");
caught_up($server);
is($server->sql("SELECT string_agg(e.payload ->> 'assignee_id', ' ' ORDER BY p.seq) FROM bugevents.projector_errors AS p, LATERAL (SELECT * FROM bugevents.events(p.seq - 1, 1)) AS e"),
	'13 14 15', 'no more events are set aside than bugevents.projector_error_rows');

# What may succeed later is tried again.
my $blocker = $server->session;
$blocker->query_safe("BEGIN; LOCK bugevents.notifications");
$server->sql("INSERT INTO bug_reports (title, assignee_id) VALUES ('waits', 4)");
BugEvents::Server::wait_until(sub { $server->sql("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = " . pid()) eq '1' }, 'the projector to wait');
$server->sql('SELECT pg_cancel_backend(' . pid() . ')');
$blocker->query_safe('COMMIT');
$blocker->quit;
caught_up($server);
is($server->sql("SELECT count(*) FROM bugevents.notifications WHERE title = 'waits'"), '1', 'a cancelled one is tried again');
is($server->sql('SELECT count(*) FROM bugevents.projector_errors'), '3', '... and not set aside');

# Bugs and users from before they were attached, and rows that not everybody may see.
$server->sql(<<~'END');
	CREATE TABLE old (LIKE bug_reports INCLUDING ALL);
	INSERT INTO old (id, title, creator_id, assignee_id, project_id, status) OVERRIDING SYSTEM VALUE VALUES (100001, 'old', 5, 6, 7, 'open'), (100002, 'seen by one', 5, 6, 8, 'open');
	SELECT bugevents.attach('old', 'bug_report', audience => $$CASE WHEN row.project_id = 8 THEN 'user:5' ELSE 'all' END$$);
	CREATE TABLE remarks (LIKE comments INCLUDING ALL);
	SELECT bugevents.attach('remarks', 'comment', audience => $$CASE WHEN row.bug_report_id = 100002 THEN 'user:5' ELSE 'all' END$$);
	INSERT INTO remarks (id, bug_report_id, user_id, content) OVERRIDING SYSTEM VALUE VALUES (100001, 100001, 7, 'a remark'), (100002, 100002, 7, 'a secret');
	UPDATE old SET status = 'closed' WHERE id = 100002;
	END
caught_up($server);
is($server->sql("SELECT string_agg(type || ' ' || user_id, ', ' ORDER BY id) FROM bugevents.notifications WHERE bug_report_id = '100001'"), 'comment_added 6, comment_added 5', 'a bug from before it was attached');
is($server->sql("SELECT string_agg(type || ' ' || user_id, ', ' ORDER BY id) FROM bugevents.notifications WHERE bug_report_id = '100002'"), 'comment_added 5, status_changed 5', 'nobody is told of what he may not see');

# What an expression needs is gone: that is poison, too.
$server->sql(<<~'END');
	CREATE TABLE gone AS SELECT 0 AS n;
	CREATE TABLE odd (LIKE bug_reports INCLUDING ALL);
	SELECT bugevents.attach('odd', 'bug_report', columns => '{"id": "(SELECT row.id + n FROM gone)"}');
	DROP TABLE gone;
	INSERT INTO remarks (id, bug_report_id, user_id, content) OVERRIDING SYSTEM VALUE VALUES (200001, 200001, 7, 'of an odd bug');
	END
caught_up($server);
is($server->sql("SELECT string_agg(type || ' ' || action || ' ' || sqlstate, ', ' ORDER BY seq) FROM bugevents.projector_errors WHERE sqlstate <> '23514'"), 'comment created 42P01', 'a table that an expression needs is gone: set aside, and the stream goes on');
$server->sql('DROP TABLE odd');

# Rows that are told again: nothing follows from them.
{
	my $derived = q{SELECT md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM (SELECT n::text AS t FROM bugevents.notifications AS n
		UNION ALL SELECT b::text FROM bugevents.bugs AS b UNION ALL SELECT p::text FROM bugevents.people AS p UNION ALL SELECT w::text FROM bugevents.watchers AS w
		UNION ALL SELECT d::text FROM bugevents.deliveries AS d UNION ALL SELECT r::text FROM bugevents.reminders AS r) AS x};

	caught_up($server);
	my $before = $server->sql($derived);
	cmp_ok($server->sql("SELECT bugevents.replay('bug_reports') + bugevents.replay('users') + bugevents.replay('remarks')"), '>', 100, 'rows are replayed');
	caught_up($server);
	is($server->sql($derived), $before, '... and nobody is welcomed, assigned, or told anything, nor watches more');
}

# Where it is, it says when it ends, also if nothing followed from the last events.
$server->sql("INSERT INTO projects (name) VALUES ('of no consequence')");
caught_up($server);
$server->set('bugevents.projector', 'off');
BugEvents::Server::wait_until(sub { pid() eq '' }, 'no projector');
is($server->sql('SELECT cursor >= (SELECT max(last_seq) FROM bugevents.journal) FROM bugevents.projector'), 't', 'the cursor is written when the projector ends');
$server->set('bugevents.projector', 'on');
BugEvents::Server::wait_until(sub { pid() ne '' }, 'a projector');

# Retention waits for a projector that is behind, also while that is started again.
$server->set('bugevents.retention', '1s');
my $stopped = pid();
$server->stop_worker($stopped);
$server->sql("INSERT INTO bug_reports (title, assignee_id) VALUES ('behind', 4)");
my $newest = '(SELECT tableoid FROM bugevents.journal_0 WHERE last_seq = m UNION ALL SELECT tableoid FROM bugevents.journal_1 WHERE last_seq = m UNION ALL SELECT tableoid FROM bugevents.journal_2 WHERE last_seq = m)';
my $segment = $server->sql("SELECT $newest FROM (SELECT max(last_seq) AS m FROM bugevents.journal) AS x");
my $time = $server->sql('SELECT clock_timestamp()');
BugEvents::Server::wait_until(sub { $server->sql("INSERT INTO projects (name) VALUES ('later')"); $server->sql("SELECT $newest <> $segment AND clock_timestamp() > timestamptz '$time' + interval '2 seconds' FROM (SELECT max(last_seq) AS m FROM bugevents.journal) AS x") eq 't' }, 'another segment of the journal');
kill 'KILL', $stopped;
BugEvents::Server::wait_until(sub { my $pid = eval { pid() } // ''; $pid ne '' && $pid ne $stopped }, 'another projector');
caught_up($server);
is($server->sql("SELECT count(*) FROM bugevents.notifications WHERE title = 'behind'"), '1', 'retention waits for a projector that is started again');
$server->set('bugevents.retention', '1h');

# What retention has dropped before it was read is told, and not waited for.
$server->set('bugevents.projector', 'off');
BugEvents::Server::wait_until(sub { pid() eq '' }, 'no projector');
$server->sql("INSERT INTO bug_reports (title, assignee_id) VALUES ('dropped', 4)");
my $missed = $server->sql('UPDATE bugevents.stream SET dropped = (SELECT max(last_seq) FROM bugevents.journal) RETURNING dropped');
$log = $server->log_size;
$server->set('bugevents.projector', 'on');
$server->wait_log(qr/WARNING: .*projector missed the events from \d+ to $missed/, $log);
$server->sql("INSERT INTO bug_reports (title, assignee_id) VALUES ('kept', 4)");
caught_up($server);
is($server->sql("SELECT string_agg(title, ' ') FROM bugevents.notifications WHERE title IN ('dropped', 'kept')"), 'kept', 'what was dropped before it was read is told');

# The extension comes and goes.
$server->sql('DROP EXTENSION bugevents CASCADE');
BugEvents::Server::wait_until(sub { pid() eq '' }, 'no projector');
$server->sql('CREATE EXTENSION bugevents');
$server->sql("SELECT bugevents.attach('bug_reports', 'bug_report')");
BugEvents::Server::wait_until(sub { pid() ne '' }, 'a projector again');
$server->sql("INSERT INTO bug_reports (title, assignee_id) VALUES ('new world', 4)");
caught_up($server);
is($server->sql("SELECT string_agg(title, ' ') FROM bugevents.notifications"), 'new world', 'a new extension begins anew');
done_testing();
