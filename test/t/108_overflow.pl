# A queue that is too small, and a dispatcher that sleeps: nobody waits and
# nothing is lost.
use strict;
use warnings;
use BugEvents::Server;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = BugEvents::Server->start_new('overflow', conf => <<~'END');
	bugevents.queue_size = '64kB'
	max_wal_senders = 4
	synchronous_standby_names = 'nobody'
	synchronous_commit = local
	END
my $node = $server->node;
my $scripts = PostgreSQL::Test::Utils::tempdir();

append_to_file("$scripts/insert.sql", <<~'END');
	\set size random(1, 6000)
	INSERT INTO projects (name, description) VALUES ('p', repeat('x', :size));
	END

sub writers
{
	my ($what, $each) = @_;

	local %ENV = $node->_get_env;
	command_ok([ 'pgbench', '-n', '-c', 16, '-j', 2, '-t', $each, '-f', "$scripts/insert.sql", 'postgres' ], $what);
	return;
}

sub stat_of { return $server->sql("SELECT value FROM bugevents.stats WHERE name = 'bugevents_$_[0]'"); }

sub all_delivered
{
	my ($ws, $what, $n) = @_;
	my $since = $ws->{ready}{payload}{seq};
	my @events = $server->events_before_fence($ws);

	is(scalar @events, $n, "$what: all delivered");
	is(join(',', map { $_->{seq} } @events),
		$server->sql("SELECT string_agg(seq::text, ',' ORDER BY seq) FROM bugevents.events($since, 1000000) WHERE seq <= $events[-1]{seq}"),
		'... in the order of the journal');
	return;
}

# 64 kB hold some twenty of these rows.
my $ws = $server->connect('1');
is(stat_of('queue_overflows_total'), 0, 'nothing has overflowed');
writers('16 writers and a queue of 64 kB', 100);
cmp_ok(stat_of('queue_overflows_total'), '>', 0, '... overflow it, which bugevents.stats tells');
all_delivered($ws, 'a small queue', 1600);

# The dispatcher stands still: no writer waits for it.
$ws = $server->connect('1');
my $dispatcher = $server->dispatcher_pid;
kill 'STOP', $dispatcher;
writers('16 writers and a dispatcher that stands still', 50);
is($server->sql('SELECT count(*) FROM projects'), 2400, '... all committed');
cmp_ok(stat_of('queue_bytes'), '>', 50 * 1024, '... and the queue is full, which bugevents.stats tells');
kill 'CONT', $dispatcher;
all_delivered($ws, 'after it went on', 800);
is($server->dispatcher_pid, $dispatcher, 'it is the same dispatcher');

# The dispatcher is killed while the queue overflows.  (restart_after_crash is
# off in these tests, so this is a termination, which the postmaster repairs.)
$ws = $server->connect('1');
my $stream = $ws->{ready}{payload}{stream};
my $since = $ws->{ready}{payload}{seq};
my ($gateway) = $server->gateway_pids;
$server->sql("SELECT pg_terminate_backend($dispatcher)");
writers('16 writers and no dispatcher', 50);
$server->wait_new_gateway($gateway);
$ws = $server->resume('1', $since, $stream);
$ws->{ready}{payload}{seq} = $since;
all_delivered($ws, 'after it came back', 800);

# The gateway stands still: its pipe fills, and neither writers nor dispatcher care.
$ws = $server->connect('1');
($gateway) = $server->gateway_pids;
kill 'STOP', $gateway;
writers('16 writers and a gateway that stands still', 100);
$server->sql("INSERT INTO projects (name, description) SELECT 'p', repeat('x', 3000) FROM generate_series(1, 5000)");
cmp_ok(BugEvents::Server::private_memory($server->dispatcher_pid), '<', 64 * 1024, 'the dispatcher does not hoard');
kill 'CONT', $gateway;
all_delivered($ws, 'after the gateway went on', 6600);

# One event larger than the whole queue.
$ws = $server->connect('1');
$server->sql("INSERT INTO projects (name, description) VALUES ('larger', repeat('y', 500000))");
is(length $ws->next_event->{payload}{description}, 500_000, 'an event larger than the queue');

# ... is not held up by a later one that has room, and waits in its commit.
$dispatcher = $server->dispatcher_pid;
kill 'STOP', $dispatcher;
$server->sql("INSERT INTO projects (name, description) VALUES ('earlier', repeat('y', 500000))");
my $later = $server->session;
my $pid = $later->query_safe('SELECT pg_backend_pid()');
$later->query_until(qr/go/, "\\echo go\nSET synchronous_commit = on;\nINSERT INTO projects (name) VALUES ('later');\n");
ok($node->poll_query_until('postgres',
		"SELECT coalesce(wait_event = 'SyncRep', false) FROM pg_stat_activity WHERE pid = $pid"), 'one that comes later waits');
kill 'CONT', $dispatcher;
is($ws->next_event->{payload}{name}, 'earlier', '... and does not hold up what came before');
$server->sql("SELECT pg_cancel_backend($pid)");
is($ws->next_event->{payload}{name}, 'later', '... and comes in its turn');
$later->quit;
done_testing();
