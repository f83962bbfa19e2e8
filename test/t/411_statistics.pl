# Statistics of projects, users and bugs: the numbers of the rows, whatever comes; and who is told of them.
use strict;
use warnings;
use BugEvents::Projector qw(gathered);
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('statistics', projector => 1, statistics => 1, conf => <<~'END');
	bugevents.fold_interval = 0
	bugevents.closed_statuses = 'closed, done'
	restart_after_crash = on
	END

# The same in SQL over the tables.
my $reference = <<~'END';
	CREATE TEMP VIEW wanted AS
	SELECT 'project' AS what, p.id::text, jsonb_build_object('bugs', count(b.id), 'open', count(b.id) FILTER (WHERE b.status NOT IN ('closed', 'done')),
	       'by_status', (SELECT coalesce(jsonb_object_agg(status, n), '{}') FROM (SELECT status, count(*) AS n FROM bug_reports WHERE project_id = p.id GROUP BY 1) AS x),
	       'by_priority', (SELECT coalesce(jsonb_object_agg(priority, n), '{}') FROM (SELECT priority, count(*) AS n FROM bug_reports WHERE project_id = p.id GROUP BY 1) AS x),
	       'comments', (SELECT count(*) FROM comments AS c JOIN bug_reports AS x ON x.id = c.bug_report_id WHERE x.project_id = p.id)) AS numbers
	  FROM projects AS p LEFT JOIN bug_reports AS b ON b.project_id = p.id GROUP BY p.id
	 UNION ALL
	SELECT 'user', u.id::text, jsonb_build_object('created', (SELECT count(*) FROM bug_reports WHERE creator_id = u.id),
	       'assigned', (SELECT count(*) FROM bug_reports WHERE assignee_id = u.id),
	       'assigned_open', (SELECT count(*) FROM bug_reports WHERE assignee_id = u.id AND status NOT IN ('closed', 'done')),
	       'comments', (SELECT count(*) FROM comments WHERE user_id = u.id),
	       'unread', (SELECT count(*) FROM bugevents.notifications WHERE user_id = u.id::text AND NOT read AND NOT hidden))
	  FROM users AS u
	 UNION ALL
	SELECT 'bug', b.id::text, jsonb_build_object('project_id', b.project_id::text, 'comments', (SELECT count(*) FROM comments WHERE bug_report_id = b.id),
	       'watchers', (SELECT count(*) FROM bugevents.watchers WHERE bug_report_id = b.id::text))
	  FROM bug_reports AS b;
	CREATE TEMP VIEW found AS
	SELECT 'project' AS what, project_id AS id, to_jsonb(s) - '{project_id,changed_at,audience,generation}'::text[] AS numbers FROM bugevents.project_stats AS s
	 UNION ALL
	SELECT 'user', user_id, to_jsonb(s) - '{user_id,audience,generation}'::text[] FROM bugevents.user_stats AS s
	 UNION ALL
	SELECT 'bug', bug_report_id, to_jsonb(s) - '{bug_report_id,last_activity_at,status,priority,creator_id,assignee_id,open,audience,generation}'::text[] FROM bugevents.bug_stats AS s;
	SELECT concat_ws(', ', (SELECT count(*) FROM wanted) || ' wanted', (SELECT 'missing ' || string_agg(m::text, ' ') FROM (SELECT * FROM (TABLE wanted EXCEPT ALL TABLE found) AS x LIMIT 3) AS m),
	                 (SELECT 'too many ' || string_agg(m::text, ' ') FROM (SELECT * FROM (TABLE found EXCEPT ALL TABLE wanted) AS x LIMIT 3) AS m));
	END

# Until no filling is under way.
sub filled
{
	BugEvents::Server::wait_until(sub { (eval { $server->sql(q{SELECT count(*) FROM bugevents.fill_progress WHERE state <> 'done'}) } // '') eq '0' }, 'the statistics to be filled');
	gathered($server);
	return;
}

sub agrees
{
	my ($name) = @_;
	gathered($server);
	my $result = (split /\n/, $server->sql($reference))[-1];
	like($result, qr/^[1-9]\d* wanted$/, $name) or diag($result);
	is($server->sql('SELECT string_agg(message, $$, $$) FROM bugevents.projector_errors'), '', '... no event was set aside');
	return;
}

# A random history of n changes in transactions of a few.
$server->sql(<<~'END');
	CREATE PROCEDURE history(n int, seed float8) LANGUAGE plpgsql AS $$
	DECLARE
		bug bigint;
		who int;
		kind float8;
	BEGIN
		PERFORM setseed(seed);
		FOR i IN 1..n LOOP
			who := (SELECT id FROM users OFFSET floor(random() * (SELECT count(*) FROM users)) LIMIT 1);
			kind := random();
			bug := (SELECT id FROM bug_reports OFFSET floor(random() * (SELECT count(*) FROM bug_reports)) LIMIT 1);
			IF bug IS NULL OR kind < 0.15 THEN
				INSERT INTO bug_reports (title, creator_id, assignee_id, project_id, status)
					VALUES ('bug ' || i, who, CASE WHEN random() < 0.5 THEN who END, (SELECT id FROM projects ORDER BY random() LIMIT 1), (ARRAY['open', 'busy', 'done'])[1 + floor(random() * 3)]);
			ELSIF kind < 0.3 THEN
				UPDATE bug_reports SET status = (ARRAY['open', 'busy', 'closed', 'done'])[1 + floor(random() * 4)] WHERE id = bug;
			ELSIF kind < 0.4 THEN
				UPDATE bug_reports SET project_id = (SELECT id FROM projects ORDER BY random() LIMIT 1), assignee_id = who WHERE id = bug;
			ELSIF kind < 0.5 THEN
				UPDATE bug_reports SET priority = (ARRAY['low', 'high'])[1 + floor(random() * 2)], title = title || '.', creator_id = who WHERE id = bug;
			ELSIF kind < 0.7 THEN
				INSERT INTO comments (bug_report_id, user_id, content) VALUES (bug, CASE WHEN random() < 0.9 THEN who END, 'comment ' || i);
			ELSIF kind < 0.75 THEN
				UPDATE comments SET bug_report_id = bug WHERE id = (SELECT id FROM comments ORDER BY random() LIMIT 1);
			ELSIF kind < 0.8 THEN
				DELETE FROM comments WHERE id = (SELECT id FROM comments ORDER BY random() LIMIT 1);
			ELSIF kind < 0.85 THEN
				DELETE FROM bug_reports WHERE id = bug;
			ELSIF kind < 0.86 THEN
				DELETE FROM projects WHERE id = (SELECT id FROM projects ORDER BY random() LIMIT 1);
				INSERT INTO projects (name) VALUES ('another');
			ELSIF kind < 0.87 THEN
				DELETE FROM users WHERE id = who;
				INSERT INTO users (username) VALUES ('another ' || i || ' ' || seed);
			ELSIF kind < 0.88 THEN
				UPDATE users SET id = nextval('users_id_seq') WHERE id = who AND NOT EXISTS (SELECT FROM bug_reports WHERE who IN (creator_id, assignee_id)) AND NOT EXISTS (SELECT FROM comments WHERE user_id = who);
			ELSIF kind < 0.94 THEN
				PERFORM bugevents.watch(bug::text, who::text);
			ELSIF kind < 0.97 THEN
				PERFORM bugevents.unwatch(bug::text, who::text);
			ELSE
				-- Several in a transaction could wait for the projector, and it for them.
				COMMIT;
				UPDATE bugevents.notifications SET read = true WHERE id = (SELECT id FROM bugevents.notifications ORDER BY random() LIMIT 1);
				COMMIT;
			END IF;
			IF random() < 0.5 THEN
				COMMIT;
			ELSIF random() < 0.1 THEN
				ROLLBACK;
			END IF;
		END LOOP;
	END $$;
	INSERT INTO users (username) SELECT 'user ' || n FROM generate_series(1, 20) AS n;
	INSERT INTO projects (name) SELECT 'project ' || n FROM generate_series(1, 5) AS n;
	END

my $changes = $ENV{BUGEVENTS_CHANGES} // 600;
filled();
$server->sql("CALL history($changes, 0.5)");
agrees("$changes random changes");

sub pid { return $server->sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'bugevents projector'"); }

# Killed again and again, while it is at it.
for my $round (1 .. 3)
{
	my $session = $server->session;
	$session->query_until(qr/begun/, "\\echo begun\nCALL history($changes / 3, 0.0$round);\n");
	my $pid = '';
	BugEvents::Server::wait_until(sub { $pid = eval { pid() } // ''; $pid ne '' }, 'a projector');
	# kill -9 of a process that has shared memory restarts the server.
	kill $round == 3 ? 'KILL' : 'TERM', $pid;
	eval { $session->quit };
	BugEvents::Server::wait_until(sub { my $now = eval { pid() } // ''; $now ne '' && $now ne $pid }, 'another projector');
}
agrees('... with kills');

# Beside the running stream; whatever was wrong isn't any more.
$server->sql(<<~'END');
	UPDATE bugevents.project_stats SET bugs = 77, by_status = '{"x": 5}' WHERE project_id = (SELECT max(id)::text FROM projects);
	UPDATE bugevents.user_stats SET assigned = assigned + 3;
	UPDATE bugevents.bug_stats SET comments = comments + 5;
	DELETE FROM bugevents.comment_facts WHERE id IN (SELECT id::text FROM comments LIMIT 3);
	INSERT INTO bugevents.bug_stats SELECT 'no bug', project_id, 3, 0, now(), 'open', 'low', creator_id, NULL, true, '{all}', 0 FROM bugevents.bug_stats LIMIT 1;
	DELETE FROM bugevents.bug_stats WHERE bug_report_id = (SELECT max(id)::text FROM bug_reports);
	SELECT bugevents.rebuild('statistics');
	END
$server->sql("CALL history($changes / 4, 0.7)");
filled();
agrees('... rebuilt beside the stream');
is($server->sql("SELECT bool_and(state = 'done' AND ended_at > started_at AND rows = estimated_now) FROM (SELECT p.*, CASE entity WHEN 'user' THEN (SELECT count(*) FROM users) ELSE rows END AS estimated_now FROM bugevents.fill_progress AS p) AS x"), 't', '... and says how far it is');
my (undef, undef, $error) = $server->node->psql("postgres", "SELECT bugevents.rebuild('everything')");
like($error, qr/there is nothing to rebuild that is called "everything"/, 'rebuild() of nothing that there is');

# Rows from before a table was attached, of which there are others; a table that is emptied.
$server->sql(<<~'END');
	CREATE TABLE old (LIKE bug_reports INCLUDING ALL);
	INSERT INTO old (id, title, status, priority, creator_id, project_id) SELECT 1000000 + n, 'old', 'open', 'low', (SELECT max(id) FROM users), (SELECT max(id) FROM projects) FROM generate_series(1, 12000) AS n;
	SELECT bugevents.attach('old', 'bug_report');
	END
my $project = $server->sql('SELECT max(id) FROM projects');
sub bugs_of { return $server->sql("SELECT bugs FROM bugevents.project_stats WHERE project_id = '$project'"); }
my $before = $server->sql("SELECT count(*) FROM bug_reports WHERE project_id = $project");
BugEvents::Server::wait_until(sub { bugs_of() == $before + 12000 }, 'what was there to be counted');
is($server->sql("SELECT count(*) FROM bugevents.events(0, 1000000) WHERE type = 'bug_stats' AND payload ->> 'bug_report_id' ~ '^1[0-9]{6}\$'"), '0', 'rows from before are counted, and not published one by one');
BugEvents::Server::wait_until(sub { $server->sql("SELECT count(*) > 0 FROM bugevents.events(0, 1000000) WHERE type = 'bug_stats' AND action = 'reload'") eq 't' }, 'clients to be told to read again');
$server->sql('TRUNCATE old');
BugEvents::Server::wait_until(sub { bugs_of() == $before }, 'what is gone to be found');
$server->sql('DROP TABLE old');
filled();
$server->sql("CALL history(50, 0.8)");
agrees('... and all is as before');

# Who is told, and what get, list and state say.
$server->sql(<<~'END');
	CREATE TABLE members (user_id bigint, project_id bigint, PRIMARY KEY (user_id, project_id));
	INSERT INTO users (id, username) OVERRIDING SYSTEM VALUE VALUES (9001, 'ann'), (9002, 'ben');
	INSERT INTO members VALUES (9001, 9001), (9002, 9002);
	SELECT bugevents.attach('members', 'membership');
	CREATE TABLE own_projects (LIKE projects INCLUDING ALL);
	SELECT bugevents.attach('own_projects', 'project', audience => $$bugevents.principal('project', row.id)$$);
	CREATE TABLE secret (LIKE bug_reports INCLUDING ALL);
	SELECT bugevents.attach('secret', 'bug_report', audience => $$bugevents.principal('project', row.project_id)$$);
	END
filled();
my ($ann, $ben) = map { $server->connect($_) } 9001, 9002;
my $mark = $server->sql('SELECT bugevents.last_seq()');
$server->sql(<<~'END');
	INSERT INTO own_projects (id, name) OVERRIDING SYSTEM VALUE VALUES (9001, 'of ann'), (9002, 'of ben');
	INSERT INTO secret (id, title, project_id, creator_id) OVERRIDING SYSTEM VALUE VALUES (9001, 'secret', 9001, 9002);
	END
my $told = $ann->wait_for(sub { $_[0]{type} eq 'project_stats' && $_[0]{payload}{bugs} == 1 });
is_deeply([ @{ $told->{payload} }{qw(id project_id bugs open by_status comments)} ], [ 9001, 9001, 1, 1, { open => 1 }, 0 ], 'who sees the project is told its numbers');
gathered($server);
$server->sql("INSERT INTO projects (name) VALUES ('a fence')");
my @seen = grep { $_->{type} =~ /_stats$/ } $server->events_before_fence($ben);
is_deeply([ map { "$_->{type} $_->{payload}{id}" } grep { $_->{type} ne 'user_stats' } @seen ], ['project_stats 9002'], "... who doesn't, isn't, nor of a bug");
is_deeply([ map { "$_->{payload}{id} $_->{payload}{created}" } grep { $_->{type} eq 'user_stats' } @seen ], ['9002 1'], '... and of himself');

my $asked = 0;

sub ask
{
	my ($ws, $type, %payload) = @_;

	$ws->send_json({ type => $type, id => ++$asked, payload => \%payload });
	my $answer = $ws->wait_for(sub { defined $_[0]{id} && $_[0]{id} eq $asked });
	return $answer->{type} eq 'error' ? $answer->{payload}{code} : $answer->{payload};
}

is_deeply([ @{ ask($ann, 'get', type => 'project_stats', id => 9001) }{qw(id bugs)} ], [ 9001, 1 ], 'get');
is(ask($ben, 'get', type => 'project_stats', id => 9001), 'not_found', '... for who sees it');
is_deeply([ map { $_->{id} } @{ ask($ben, 'list', type => 'user_stats')->{items} } ], [9002], 'list: of oneself');
is_deeply([ map { $_->{bug_report_id} } @{ ask($ann, 'list', type => 'bug_stats', project_id => 9001)->{items} } ], [9001], '... by project');
$ann->send_json({ type => 'subscribe', id => 77, payload => { types => ['bug_stats'], project_ids => [9001], state => JSON::PP::true } });
my $state = $ann->wait_for(sub { $_[0]{type} eq 'state' && $_[0]{payload}{last} });
is_deeply([ map { $_->{id} } @{ $state->{payload}{items} } ], [9001], 'state');
$server->sql('UPDATE secret SET project_id = 9002');
my $out = $ann->wait_for(sub { $_[0]{type} eq 'bug_stats' && $_[0]{action} eq 'moved_out' });
is($out->{payload}{id}, 9001, 'who loses sight of a bug loses sight of its numbers');
$ben->wait_for(sub { $_[0]{type} eq 'bug_stats' && $_[0]{action} eq 'created' && $_[0]{payload}{id} == 9001 });
pass('... and who gains it gets them');

# At most once a second for each row.
$server->sql("INSERT INTO comments (bug_report_id, content) VALUES ((SELECT min(id) FROM bug_reports), 'x'); SELECT pg_sleep(0.01)") for 1 .. 60;
gathered($server);
my $most = $server->sql(<<~"END");
	SELECT coalesce(max(n), 0) FROM (
	    SELECT count(*) OVER (PARTITION BY type, payload ->> 'id' ORDER BY committed_at RANGE BETWEEN interval '0.99 s' PRECEDING AND CURRENT ROW) AS n
	      FROM bugevents.events($mark, 100000) WHERE type ~ '_stats\$' AND action = 'updated') AS x
	END
is($most, '1', 'no row is published twice in a second');

# Nobody attaches a table as one of them, or sends such an event.
for my $sql ("SELECT bugevents.attach('members', 'bug_stats')", "SELECT bugevents.attach('bugevents.bug_stats', 'mine')", "SELECT bugevents.send('user_stats', 'updated', '{}')")
{
	(undef, undef, $error) = $server->node->psql('postgres', $sql);
	like($error, qr/reserved|cannot attach/, $sql);
}
is($server->sql("SELECT count(*) FROM bugevents.attachments WHERE tbl::text LIKE 'bugevents.%'"), '0', 'they are no attachments of yours');

# Off and on again.
$server->set('bugevents.statistics', 'off');
BugEvents::Server::wait_until(sub { $server->sql("SELECT count(*) FROM bugevents.fill_progress WHERE state = 'none'") eq '4' }, 'it to be off');
$server->sql("DROP TABLE secret, own_projects; CALL history(100, 0.9)");
$server->set('bugevents.statistics', 'on');
filled();
agrees('off, and on again: all is counted anew');
$server->node->stop;
done_testing();
