# The owner of the served database is no superuser, and can neither become one by what
# he sets for the database or puts into it, nor stop the stream that way.
use strict;
use warnings;
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->new('owner', database => 'app', conf => "bugevents.retention = 1s\nlog_line_prefix = '%b: '\n");
my $node = $server->node;

$node->start;
$node->safe_psql('postgres', 'CREATE ROLE mallory LOGIN');
$node->safe_psql('postgres', 'CREATE DATABASE app OWNER mallory');

sub as_owner
{
	my ($sql, $what) = @_;
	my ($status, undef, $err) = $node->psql('app', $sql, extra_params => [ '-U', 'mallory' ]);

	is($status, 0, $what // "the owner may: $sql") or diag $err;
	return;
}

# A session that what is set for the database doesn't reach.
sub as_admin
{
	my $user = $node->safe_psql('postgres', 'SELECT current_user');
	local $ENV{PGOPTIONS} = '-c search_path=pg_catalog -c default_transaction_read_only=off'
	  . " -c default_transaction_isolation=read\\ committed -c lock_timeout=0 -c statement_timeout=0 -c session_authorization=$user -c role=none";

	return $server->sql($_[0]);
}

#
# A schema that waits for CREATE EXTENSION: its owner could add functions to it that
# are taken for ours
#

as_owner('CREATE SCHEMA bugevents');
my ($status, undef, $err) = $node->psql('app', 'CREATE EXTENSION bugevents');
isnt($status, 0, 'the extension does not move into a schema of somebody else');
like($err, qr/schema "bugevents" belongs to "mallory"/, '... says why');
like($err, qr/HINT:  Drop or rename it/, '... and what to do');
as_owner('DROP SCHEMA bugevents');
$server->sql('CREATE SCHEMA bugevents');
$server->sql('CREATE EXTENSION bugevents');
pass('into one of a superuser it does, as in a restored dump');
$server->sql('SELECT bugevents.create_tracker()');
$server->wait_ready;

#
# Settings of the database
#

# Comparisons of the types that the workers' own SQL compares, which tell who calls them.
as_owner(<<~'END', 'the owner may set a trap');
	CREATE SCHEMA trap;
	GRANT USAGE ON SCHEMA trap TO PUBLIC;
	DO $do$
	DECLARE
	    o record;
	BEGIN
	    FOR o IN SELECT n, oprname, t
	               FROM (VALUES (1, '='), (2, '<>'), (3, '<'), (4, '<='), (5, '>'), (6, '>=')) AS v (n, oprname),
	                    unnest('{int4,int8,text,name,oid,xid8,timestamptz}'::text[]) AS t
	    LOOP
	        EXECUTE format($f$
	            CREATE FUNCTION trap.op%1$s(%3$s, %3$s) RETURNS boolean LANGUAGE plpgsql AS $b$
	            BEGIN
	                RAISE WARNING 'trapped';
	                RETURN $1 OPERATOR(pg_catalog.%2$s) $2;
	            END $b$;
	            CREATE OPERATOR trap.%2$s (FUNCTION = trap.op%1$s, LEFTARG = %3$s, RIGHTARG = %3$s)$f$, o.n, o.oprname, o.t);
	    END LOOP;
	END $do$
	END
my $log = $server->log_size;
$node->safe_psql('app', 'SET search_path = trap, pg_catalog; SELECT 1::int8 <= 2::int8');
like($server->log_since($log), qr/^client backend: WARNING:  trapped/m, 'whoever looks names up there is trapped');

# Start the dispatcher anew with these settings, and let it and the responder write and read.
sub serves
{
	my ($what, @settings) = @_;
	my ($size, @old) = ($server->log_size, $server->gateway_pids);

	as_owner(join '; ', map { "ALTER DATABASE app SET $_" } @settings);
	kill 'TERM', $server->dispatcher_pid;
	$server->wait_new_gateway(@old);

	my $dispatcher = $server->dispatcher_pid;
	my $ws = $server->connect('1');
	my $dropped = as_admin('SELECT dropped FROM bugevents.stream');
	BugEvents::Server::wait_until(sub {
			as_admin("INSERT INTO public.projects (name) VALUES ('p')");
			return as_admin('SELECT dropped FROM bugevents.stream') > $dropped;
		}, 'retention to drop history');
	$ws->send_json({ type => 'list', id => 'l', payload => { type => 'project' } });
	my $reply;
	BugEvents::Server::wait_until(sub { $reply = $ws->next_json; ($reply->{id} // '') eq 'l' }, 'the list');
	is($reply->{type}, 'reply', "$what: the responder answers");
	is($server->dispatcher_pid, $dispatcher, '... the dispatcher goes on');
	unlike($server->log_since($size), qr/^bugevents.*(?:trapped|ERROR:)/m, '... and nobody fell into the trap');
	$node->safe_psql('postgres', 'ALTER DATABASE app RESET ALL');
	return;
}

# The test's own sessions have time.
$ENV{PGOPTIONS} = '-c statement_timeout=0 -c lock_timeout=0';
serves('names that mean something else', 'search_path = trap, pg_catalog');
serves('what may not be written', 'default_transaction_read_only = on', 'default_transaction_isolation = serializable',
	'lock_timeout = 1', 'statement_timeout = 1');
serves('somebody else', 'session_authorization = mallory', 'role = mallory');

$node->stop;
done_testing();
