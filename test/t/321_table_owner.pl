# The owner of an attached table gives code that others run: sessions that write, the
# worker that looks users up, the responder when clients ask.  It runs with the
# owner's rights, and has no way to others.
use strict;
use warnings;
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('table_owner', tracker => 0, conf => "log_line_prefix = '%b: '\n");

# What the code tries is told in the log: who ran it where, and what it got.
$server->sql(<<~'END');
	CREATE ROLE mallory LOGIN;
	CREATE SCHEMA m AUTHORIZATION mallory;
	SET ROLE mallory;

	CREATE FUNCTION m.deferred() RETURNS trigger LANGUAGE plpgsql AS
	    $$ BEGIN RAISE WARNING 'ran: deferred as %', current_user; RETURN NULL; END $$;
	CREATE TABLE m.log (t text);
	CREATE CONSTRAINT TRIGGER later AFTER INSERT ON m.log DEFERRABLE INITIALLY DEFERRED
	    FOR EACH ROW EXECUTE FUNCTION m.deferred();

	CREATE FUNCTION m.try(what text) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
	    EXECUTE what;
	    RAISE WARNING 'ran: got away with %', what;
	EXCEPTION WHEN OTHERS THEN
	    NULL;
	END $$;
	CREATE FUNCTION m.code(place text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
	BEGIN
	    RAISE WARNING 'ran: % as %', place, current_user;
	    PERFORM m.try(what) FROM unnest(ARRAY[
	        'RESET ROLE', 'SET ROLE NONE', 'RESET SESSION AUTHORIZATION', 'SET SESSION AUTHORIZATION DEFAULT',
	        'SELECT set_config(''role'', ''none'', false)', 'SET LOCAL session_authorization = DEFAULT',
	        'CREATE TEMP TABLE t (i int)', 'DECLARE c CURSOR WITH HOLD FOR SELECT 1', 'LISTEN x',
	        'COPY (SELECT 1) TO PROGRAM ''true''', 'SELECT pg_read_file(''jwt_secret'')', 'SELECT * FROM pg_authid',
	        'INSERT INTO m.log VALUES (1)']) AS what;
	    RETURN true;
	END $$;

	CREATE DOMAIN m.trap AS text CHECK (m.code('domain'));
	CREATE TABLE m.bugs (id int PRIMARY KEY, title text, status m.trap[], created_at timestamptz, updated_at timestamptz);
	RESET ROLE;
	SELECT bugevents.attach('m.bugs', 'bug_report',
	    columns => '{"description": "m.code(''column'')", "priority": "1", "assignee_id": "null", "project_id": "7"}',
	    filter => 'm.code(''filter'')', audience => 'CASE WHEN m.code(''audience'') THEN ''all'' END');
	SET ROLE mallory;
	CREATE TABLE m.people (id int PRIMARY KEY, username text, email text, created_at timestamptz, updated_at timestamptz);
	INSERT INTO m.people VALUES (1, 'ada');
	RESET ROLE;
	SELECT bugevents.attach('m.people', 'user', columns => '{"role": "''user''", "status": "CASE WHEN m.code(''status'') THEN ''active'' END"}');
	END
my $log = $server->log_size;

# It runs ...
my $ws = $server->connect('1');
$server->sql(q{INSERT INTO m.bugs (id, title) VALUES (1, 'one')});
is($ws->next_event->{payload}{title}, 'one', 'a superuser writes a row, and a client receives it');
$ws->send_json({ type => 'list', id => 1, payload => { type => 'bug_report', status => '{open}' } });
is($ws->next_json->{type}, 'reply', 'it asks for rows, with a value of a type of the owner\'s');
$ws->send_json({ type => 'get', id => 1, payload => { type => 'bug_report', id => 1 } });
is($ws->next_json->{payload}{title}, 'one', '... and for one');
is($server->sql(q{SELECT verdict FROM bugevents.explain_change('m.bugs', '1') WHERE finding = 'filter'}), 'fine', 'a superuser asks why');
is($server->sql(q{SELECT detail FROM bugevents.explain_delivery(1, '1') WHERE finding = 'user'}), 'active, and user by the tables, now', '... and of a user');

# ... here and there, as its owner.
my $said = $server->log_since($log);
my %ran;
$ran{"$1: $2"}{$3}++ while $said =~ /^([\w ]+): WARNING:  ran: (\w+) as (\w+)$/mg;
my @places = ('bugevents lookup: status', (map { "bugevents responder: $_" } qw(audience column domain filter status)),
	(map { "client backend: $_" } qw(audience column filter status)));
is_deeply([ sort keys %ran ], \@places, 'all of the code ran, in all of the processes');
is_deeply([ map { keys %{ $ran{$_} } } @places ], [ ('mallory') x @places ], '... always as the owner');
unlike($said, qr/ran: deferred/, '... none of it later, as somebody else');
is(join("\n", $said =~ /ran: (got away with .*)$/mg), '', '... and nothing that it tried was of use');

# What it tried is of use elsewhere, so the test can tell.
$log = $server->log_size;
$server->sql(q{SELECT m.code('here')});
my @useful = $server->log_since($log) =~ /ran: got away with (.*)$/mg;
cmp_ok(scalar @useful, '>=', 10, 'called by a superuser, the same code has its way') or diag join "\n", @useful;

$server->node->stop;
done_testing();
