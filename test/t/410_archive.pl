# Deleted rows: what is kept of them, and how they come back.
use strict;
use warnings;
use BugEvents::Projector qw(gathered);
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('archive', projector => 1);
$server->sql(<<~'END');
	CREATE ROLE owner LOGIN;
	ALTER DATABASE postgres OWNER TO owner;
	ALTER TABLE projects OWNER TO owner; ALTER TABLE users OWNER TO owner; ALTER TABLE bug_reports OWNER TO owner; ALTER TABLE comments OWNER TO owner;
	INSERT INTO users (username, email, phone) VALUES ('ada', 'ada@example.org', '+123'), ('bob', 'bob@example.org', NULL);
	INSERT INTO projects (name) VALUES ('one'), ('two');
	INSERT INTO bug_reports (title, description, creator_id, project_id) VALUES ('a', 'it''s "bad"', 1, 1), ('b', NULL, 2, 1), ('c', NULL, NULL, 2);
	INSERT INTO comments (bug_report_id, user_id, content) VALUES (1, 1, 'x'), (1, 2, 'y'), (2, 1, 'z');
	UPDATE bug_reports SET id = 33 WHERE id = 3; UPDATE bug_reports SET id = 3 WHERE id = 33;
	END

my $all = q{SELECT md5(string_agg(t, ' ' ORDER BY t)) FROM (SELECT p::text AS t FROM projects AS p UNION ALL SELECT b::text FROM bug_reports AS b UNION ALL SELECT c::text FROM comments AS c) AS x};
my $before = $server->sql($all);

sub archived
{
	gathered($server);
	return $server->sql("SELECT string_agg(concat_ws(' ', entity, id, actor), ', ' ORDER BY entity, id) FROM bugevents.archive");
}

sub as_owner
{
	my ($sql) = @_;
	my ($status, $out, $error) = $server->node->psql('postgres', $sql, extra_params => [ '-U', 'owner' ]);
	return $status == 0 ? $out : $error =~ s/\n.*//sr;
}

$server->sql(<<~'END');
	DELETE FROM comments WHERE id = 2;
	SET bugevents.actor = '1'; DELETE FROM bug_reports WHERE id = 1;
	BEGIN; INSERT INTO bug_reports (title) VALUES ('never'); DELETE FROM bug_reports WHERE title = 'never'; COMMIT;
	END
is(archived(), 'bug_report 1 1, comment 1 1, comment 2', 'what was deleted is kept, and nothing else');
is($server->sql("SELECT \"row\" ->> 'description' FROM bugevents.archive WHERE entity = 'bug_report'"), q{it's "bad"}, '... as it was');
like(as_owner("SELECT bugevents.restore('comment', '2')"), qr/violates foreign key/, 'a row whose bug is gone has to wait');
is(as_owner("SELECT bugevents.restore('bug_report', '1')"), '2', "a bug comes back with the comments that went with it, by the database's owner");
is(as_owner("SELECT bugevents.restore('comment', '2')"), '1', '... and then the one from before');
is($server->sql($all), $before, '... and all is as it was');
is(archived(), '', '... and nothing is in the archive any more');
like(as_owner("SELECT bugevents.restore('bug_report', '1')"), qr/there is no bug_report "1" in the archive/, 'it is restored once');
is($server->sql("SELECT string_agg(action, ' ' ORDER BY seq) FROM bugevents.history WHERE entity = 'bug_report' AND id = '1'"), 'created deleted created', 'the history has it');

$server->sql('DELETE FROM projects WHERE id = 1');
is(archived(), 'bug_report 1, bug_report 2, comment 1, comment 2, comment 3, project 1', 'a project');
is(as_owner("SELECT bugevents.restore('project', '1')"), '6', '... comes back with its bugs and their comments');
is($server->sql($all), $before, '... as it was');

# Out of sight is not deleted; values that were cut, and several tables.
$server->sql(<<~'END');
	SET bugevents.max_value_size = 256;
	ALTER TABLE bug_reports ADD COLUMN hidden boolean NOT NULL DEFAULT false, ADD COLUMN "odd ""name" text;
	SELECT bugevents.attach('bug_reports', 'bug_report', filter => 'NOT row.hidden', extra => '{"odd \"name"}');
	UPDATE bug_reports SET hidden = true WHERE id = 1; UPDATE bug_reports SET hidden = false, "odd ""name" = 'value' WHERE id = 1;
	INSERT INTO bug_reports (id, title) OVERRIDING SYSTEM VALUE VALUES (100, repeat('long', 100));
	DELETE FROM bug_reports WHERE id = 100;
	END
is(archived(), 'bug_report 100', 'a row that goes out of sight is not deleted');
like(as_owner("SELECT bugevents.restore('bug_report', '100')"), qr/values of this row were cut: \["title"\]/, 'what was cut is not put back');
$server->sql('DELETE FROM bug_reports WHERE id = 2; DELETE FROM bug_reports WHERE id = 1');
gathered($server);
is(as_owner("SELECT bugevents.restore('bug_report', '1')"), '3', 'columns that were added');
is($server->sql('SELECT "odd ""name" FROM bug_reports WHERE id = 1'), 'value', '... have their values');
$server->sql("CREATE TABLE more (LIKE bug_reports INCLUDING ALL); SELECT bugevents.attach('more', 'bug_report')");
like(as_owner("SELECT bugevents.restore('bug_report', '2')"), qr/2 tables are attached as "bug_report"/, 'of two tables it is not known which');
$server->sql('DROP TABLE more');
$server->sql('CREATE ROLE stranger LOGIN');
my (undef, undef, $error) = $server->node->psql('postgres', "SELECT bugevents.restore('bug_report', '2')", extra_params => [ '-U', 'stranger' ]);
like($error, qr/permission denied for function restore/, 'not by anybody');

# A person is forgotten; bounds.
$server->sql("SET bugevents.actor = '2'; DELETE FROM comments; DELETE FROM users WHERE id = 2");
gathered($server);
like($server->sql("SELECT string_agg(concat_ws(' ', what, rows), ', ') FROM bugevents.forget_user('2') WHERE what ~ 'archive'"), qr/^archive deleted 1, archive made anonymous [1-9]\d*$/, 'forget_user()');
is($server->sql(q{SELECT count(*) FROM bugevents.archive WHERE actor = '2' OR entity = 'user' AND id = '2' OR "row" ->> 'user_id' = '2' OR "row" ->> 'creator_id' = '2'}), '0', '... leaves nothing of that one');
$server->sql("INSERT INTO bugevents.archive SELECT 'bug_report', 1000 + n, now() - n * interval '1 minute', NULL, jsonb_build_object('x', repeat(md5(n::text), 30)) FROM generate_series(1, 300) AS n; UPDATE bugevents.archive SET deleted_at = now() - interval '40 days' WHERE id = '1005'");

sub kept_after
{
	my ($wanted, $name) = @_;
	$server->set('bugevents.projector', 'off');
	BugEvents::Server::wait_until(sub { $server->sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'bugevents projector'") eq '0' }, 'no projector');
	$server->set('bugevents.projector', 'on');
	BugEvents::Server::wait_until(sub { $server->sql("SELECT $wanted FROM bugevents.archive") eq 't' }, $name);
	pass($name);
	return;
}
kept_after("count(*) FILTER (WHERE id = '1005') = 0 AND count(*) FILTER (WHERE id::int > 1000) = 299", 'what is older than bugevents.archive_retention goes');
$server->set('bugevents.archive_size', '64kB');
kept_after("sum(pg_column_size(archive.*)) <= 65536 AND count(*) > 20 AND min(deleted_at) > now() - interval '4 hours' AND bool_or(id = '1001')", 'the oldest go that are more than bugevents.archive_size');
my $count = $server->sql('SELECT count(*) FROM bugevents.archive');
$server->set('bugevents.archive', 'off');
gathered($server);
$server->sql('DELETE FROM bug_reports');
gathered($server);
is($server->sql('SELECT count(*) FROM bugevents.archive'), $count, 'bugevents.archive = off keeps nothing');
$server->node->stop;
done_testing();
