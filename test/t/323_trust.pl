# Whose tables are believed: those that the database's owner attached.  Somebody who may use the database, owns
# tables, and had them attached by 0.1.0, which let every owner do that, forges nothing with them.
use strict;
use warnings;
use BugEvents::Projector qw(caught_up);
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('trust', projector => 1);
$server->sql(<<~'END');
	INSERT INTO users (username, email) VALUES ('ada', 'ada@example.org'), ('bob', 'bob@example.org');
	INSERT INTO bug_reports (title, creator_id, assignee_id) VALUES ('It crashes', 1, 2);
	INSERT INTO bugevents.preferences (user_id, type, channel, enabled) VALUES ('1', 'welcome', 'email', false);
	SELECT bugevents.watch('1', '1');

	CREATE ROLE mallory LOGIN;
	CREATE SCHEMA m AUTHORIZATION mallory;
	SET ROLE mallory;
	CREATE TABLE m.users (id int PRIMARY KEY, username text, email text, role text, status text, created_at timestamptz, updated_at timestamptz);
	CREATE TABLE m.bugs (id int PRIMARY KEY, title text, description text, status text, priority text, creator_id int, assignee_id int,
		project_id int, created_at timestamptz, updated_at timestamptz);
	CREATE TABLE m.comments (id int PRIMARY KEY, bug_report_id int, user_id int, content text, created_at timestamptz, updated_at timestamptz);
	END
caught_up($server);

sub as_mallory
{
	my ($status, undef, $err) = $server->node->psql('postgres', $_[0], extra_params => [ '-U', 'mallory' ]);

	return $status == 0 ? '' : $err;
}

# What has been derived.
sub derived
{
	caught_up($server);
	return $server->sql(<<~'END');
		SELECT (SELECT string_agg(concat_ws(' ', type, user_id, bug_report_id, title), ', ' ORDER BY id) FROM bugevents.notifications),
		       (SELECT string_agg(concat_ws(' ', id, email), ', ' ORDER BY id) FROM bugevents.people),
		       (SELECT string_agg(concat_ws(' ', id, title, assignee_id), ', ' ORDER BY id) FROM bugevents.bugs),
		       (SELECT count(*) FROM bugevents.preferences), (SELECT count(*) FROM bugevents.watchers)
		END
}

like(as_mallory("SELECT bugevents.attach('m.users', 'user')"), qr/permission denied for function attach/, 'who owns a table may not attach it');
$server->sql('GRANT EXECUTE ON FUNCTION bugevents.attach TO mallory');
like(as_mallory("SELECT bugevents.attach('m.users', 'user')"), qr/must be owner of database "postgres" to attach a table as "user"/, '... nor, if he may attach, as what is believed');

# As 0.1.0 did it: the trigger's argument says nothing of who attached.
$server->sql(<<~'END');
	DO $do$
	DECLARE
	    t record;
	BEGIN
	    FOR t IN SELECT * FROM (VALUES ('m.users', 'user'), ('m.bugs', 'bug_report'), ('m.comments', 'comment')) AS v (tbl, entity) LOOP
	        PERFORM bugevents.attach(t.tbl, t.entity);
	        EXECUTE (SELECT string_agg(format('DROP TRIGGER %I ON %s; %s', tgname, t.tbl,
	                            regexp_replace(pg_get_triggerdef(oid), ', "by": "[^"]*"|, "decides": true', '', 'g')), ';')
	                   FROM pg_trigger WHERE tgrelid = t.tbl::regclass);
	    END LOOP;
	END $do$
	END
is($server->sql(q{SELECT string_agg(tbl || ' ' || decides, ', ' ORDER BY tbl::text) FROM bugevents.attachments WHERE attached_by IS NULL}),
	'm.bugs false, m.comments false, m.users false', 'what 0.1.0 attached as somebody else does not decide');

my $ws = $server->connect('1', role => 'admin');
my $before = derived();
is(as_mallory(<<~'END'), '', 'mallory writes');
	INSERT INTO m.users VALUES (1, 'ada', 'mallory@example.org', 'user', 'inactive'), (9, 'eve', 'eve@example.org', 'admin', 'active');
	INSERT INTO m.bugs (id, title, creator_id, assignee_id) VALUES (1, 'forged', 9, 1), (77, 'forged, too', 9, 1);
	UPDATE m.bugs SET assignee_id = 2, status = 'closed';
	INSERT INTO m.comments VALUES (1, 1, 9, 'forged');
	END
is(derived(), $before, 'nobody is told, no address is another one, no bug is known');
is($ws->wait_for(sub { $_[0]{type} eq 'bug_report' })->{payload}{title}, 'forged', '... though the rows are published as before');
is(as_mallory('TRUNCATE m.users, m.bugs, m.comments'), '', 'mallory truncates');
is(as_mallory('INSERT INTO m.bugs (id, title) VALUES (1, \'forged\'), (77, \'forged\'); DELETE FROM m.bugs WHERE id = 1'), '', '... and deletes');
is(derived(), $before, '... and nothing is gone that belongs to others');

# get, list and the lookup.
sub ask { return $ws->ask(@_); }
is(ask('get', type => 'bug_report', id => 77)->{payload}{code}, 'not_found', 'get does not answer with his rows');
is(ask('get', type => 'bug_report', id => 1)->{payload}{title}, 'It crashes', '... but with the tracker\'s');
is(join(',', map { $_->{id} } @{ ask('list', type => 'bug_report')->{payload}{items} }), '1', 'nor does list');
is($server->connect('1')->{ready}{type}, 'connection', 'who he says is inactive is let in');
is(as_mallory('DROP TABLE m.bugs'), '', 'he drops his table');
is(derived(), $before, '... and nothing is gone');

# Who loses a right with a transaction gets nothing of it, though its first event is of such a table.
my $loser = $server->connect('2');
$server->sql(<<~'END');
	BEGIN;
	INSERT INTO m.comments VALUES (5, 1, 2, 'first');
	UPDATE bug_reports SET title = 'It crashes again' WHERE id = 1;
	UPDATE users SET status = 'inactive' WHERE id = 2;
	COMMIT;
	END
$loser->wait_close(undef, \my @last);
is(join(', ', map { $_->{payload}{code} // $_->{type} } @last), 'user_inactive', 'what takes a right goes ahead of a table that decides nothing');
$server->sql("UPDATE users SET status = 'active' WHERE id = 2");

# The same is believed when the database's owner attaches it.
$server->sql("SELECT bugevents.attach('m.users', 'user')");
is($server->sql(q{SELECT decides FROM bugevents.attachments WHERE tbl = 'm.users'::regclass}), 't', 'attached by who owns the database, it decides');
as_mallory(q{INSERT INTO m.users VALUES (9, 'eve', 'eve@example.org', 'admin', 'active')});
like(derived(), qr/welcome 9/, '... and feeds notifications');

# Until somebody has looked at it.
$server->set('bugevents.alert_window' => '2s');
BugEvents::Server::wait_until(sub { $server->sql(q{SELECT value FROM bugevents.stats WHERE labels = 'name="attachments_undecided"'}) == 1 }, 'the alert');
pass('tables that decide nothing, though they would, are an alert');

# An upgrade says it.
my $node = $server->node;
$node->safe_psql('postgres', 'CREATE DATABASE earlier');
$node->safe_psql('earlier', <<~'END');
	CREATE EXTENSION bugevents VERSION '0.1.0';
	CREATE TABLE mine (id int, name text, description text, created_at timestamptz, updated_at timestamptz);
	CREATE TABLE theirs (LIKE mine);
	CREATE TABLE lists (LIKE mine);
	CREATE TABLE texts (LIKE mine);
	ALTER TABLE theirs OWNER TO mallory;
	CREATE TABLE members (n int PRIMARY KEY, user_id int, project_id int);
	CREATE TABLE pairs (user_id int, project_id int, PRIMARY KEY (project_id, user_id));
	CREATE TRIGGER "00_bugevents" AFTER INSERT OR UPDATE OR DELETE ON members FOR EACH ROW EXECUTE FUNCTION bugevents.capture(
	    '{"entity": "membership", "table": 1, "fields": [{"field": "user_id", "column": "user_id", "attnum": 2}, {"field": "project_id", "column": "project_id", "attnum": 3}], "search_path": "public", "decides": true}');
	CREATE TRIGGER "00_bugevents" AFTER INSERT OR UPDATE OR DELETE ON pairs FOR EACH ROW EXECUTE FUNCTION bugevents.capture(
	    '{"entity": "membership", "table": 1, "fields": [{"field": "user_id", "column": "user_id", "attnum": 1}, {"field": "project_id", "column": "project_id", "attnum": 2}], "search_path": "public", "decides": true}');
	CREATE TRIGGER "00_bugevents" AFTER INSERT OR UPDATE OR DELETE ON mine FOR EACH ROW EXECUTE FUNCTION bugevents.capture(
	    '{"entity": "project", "table": 1, "fields": [{"field": "id", "column": "id", "attnum": 1}], "search_path": "public"}');
	CREATE TRIGGER "00_bugevents" AFTER INSERT OR UPDATE OR DELETE ON theirs FOR EACH ROW EXECUTE FUNCTION bugevents.capture(
	    '{"entity": "project", "table": 1, "fields": [{"field": "id", "column": "id", "attnum": 1}], "search_path": "public"}');
	CREATE TRIGGER "00_bugevents" AFTER INSERT OR UPDATE OR DELETE ON lists FOR EACH ROW EXECUTE FUNCTION bugevents.capture(
	    '{"entity": "project", "table": 1, "fields": [{"field": "id", "column": "id", "attnum": 1}], "audience": "''admin project:'' || row.id", "search_path": "public"}');
	CREATE TRIGGER "00_bugevents" AFTER INSERT OR UPDATE OR DELETE ON texts FOR EACH ROW EXECUTE FUNCTION bugevents.capture(
	    '{"entity": "project", "table": 1, "fields": [{"field": "id", "column": "id", "attnum": 1}], "audience": "''project:'' || row.id", "search_path": "public"}');
	END
my (undef, undef, $said) = $node->psql('earlier', 'ALTER EXTENSION bugevents UPDATE');
like($said, qr/WARNING:  table public.theirs was attached as "project" by somebody who does not own the database, and decides nothing any more/, 'an upgrade warns of what does not decide any more');
like($said, qr/HINT:  Attach it again as the owner of the database/, '... says what to do');
unlike($said, qr/table public.mine/, '... and not of the rest');
like($said, qr/WARNING:  the audience of table public.lists looks like a text with several principals/, 'an upgrade warns of audiences that are lists in a text');
unlike($said, qr/public.texts/, '... and not of one principal');
like($said, qr/WARNING:  the memberships in table public.members can't be told apart/, 'an upgrade warns of memberships of which losing one takes the right that another gives');
unlike($said, qr/memberships in table public.pairs/, '... and not where there are no two');
is($node->safe_psql('earlier', q{SELECT string_agg(tbl || ' ' || decides, ', ' ORDER BY tbl::text) FROM bugevents.attachments}), 'lists true, members true, mine true, pairs true, texts true, theirs false', '... all of which stays attached');

$server->node->stop;
done_testing();
