# The Python client through killed gateways and restarts of the server, and of its own process.
use strict;
use warnings;
use BugEvents::Program;
use BugEvents::Server;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = BugEvents::Server->start_new('python', conf => "bugevents.gateways = 2\n");
my $kept = PostgreSQL::Test::Utils::tempdir() . '/position.json';
my $written = 0;
my $client;

sub start
{
	$client = BugEvents::Program->start([ '/usr/bin/python3', '-B', '-c', <<~'END', 'http://127.0.0.1:' . $server->port, $server->token('1'), $kept ]);
		import sys
		sys.path.insert(0, "clients/python")
		import bugevents

		for event in bugevents.follow(sys.argv[1], token=sys.argv[2], keep=sys.argv[3], types=["project"], first_delay=0.1, max_delay=0.5):
		    print(event.name, event.payload["name"], flush=True)
		END
	return;
}

sub write_some { my ($n) = @_; $server->sql('INSERT INTO projects (name) VALUES (' . ++$written . ')') for 1 .. $n; return; }

# All that it says up to what was written last.
sub names
{
	$client->says(qr/^project\.created $written\n/m);
	my $names = join ' ', $client->out =~ /^project\.created (\d+)\n/mg;
	$client->forget;
	return $names;
}

start();
BugEvents::Server::wait_until(sub { -e $kept }, 'the first position');
write_some(3);
is(names(), '1 2 3', 'events');
for my $cut (
	[ 'the gateways are killed', sub { kill 'KILL', $server->gateway_pids } ],
	[ 'the server is restarted', sub { $server->node->restart } ],
	[ 'the server is killed', sub { $server->node->stop('immediate'); $server->node->start } ])
{
	my ($what, $act) = @$cut;

	write_some(5);
	$act->();
	$server->wait_ready;
	write_some(5);
	is(names(), join(' ', $written - 9 .. $written), "$what: all events, once, in order");
}

# The last event that it said may not be handled yet: it is said again at most.
$client->{run}->kill_kill;
write_some(2);
start();
like(names(), qr/^(?:@{[ $written - 2 ]} )?@{[ $written - 1 ]} $written$/, 'started again, it goes on where it was');
$client->{run}->kill_kill;
done_testing();
