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

# A collection, without async, over all of that: at each moment what SQL says.
my $rows = BugEvents::Program->start([ '/usr/bin/python3', '-B', '-c', <<~'END', 'http://127.0.0.1:' . $server->port, $server->token('1') ]);
	import sys
	sys.path.insert(0, "clients/python")
	import bugevents

	with bugevents.rows(sys.argv[1], "bug_report", token=sys.argv[2], where={"status": ["open", "new"]}, first_delay=0.1, max_delay=0.5) as bugs:
	    print("there", flush=True)
	    for changes in bugs:
	        print("has", " ".join(f"{id}={row['title']}" for id, row in sorted(bugs.rows.items())), "end", flush=True)
	END
$rows->says(qr/^there$/m);

sub rows_are_right
{
	my ($what) = @_;
	my $wanted = $server->sql("SELECT string_agg(id || '=' || title, ' ' ORDER BY id) FROM bug_reports WHERE status IN ('open', 'new')");

	$rows->says(qr/^has \Q$wanted\E end$/m);
	ok(1, "a collection: $what");
	$rows->forget;
	return;
}

$server->sql("INSERT INTO bug_reports (title) SELECT 'b' || n FROM generate_series(1, 20) n");
rows_are_right('rows that come');
$server->sql("UPDATE bug_reports SET status = 'closed' WHERE id % 3 = 0; UPDATE bug_reports SET title = 'other' WHERE id = 1; DELETE FROM bug_reports WHERE id = 2");
rows_are_right('that change, go, and pass no longer');
kill 'KILL', $server->gateway_pids;
$server->sql("UPDATE bug_reports SET status = 'new' WHERE id = 3; DELETE FROM bug_reports WHERE id = 4");
$server->wait_ready;
rows_are_right('over a killed gateway');
$server->sql("TRUNCATE bug_reports CASCADE; INSERT INTO bug_reports (title) VALUES ('after it')");
rows_are_right('over TRUNCATE');
$server->node->stop('immediate');
$server->node->start;
$server->wait_ready;
$server->sql("INSERT INTO bug_reports (title) VALUES ('after a crash')");
rows_are_right('over a crash of the server');
$rows->{run}->kill_kill;

# The last event that it said may not be handled yet: it is said again at most.
$client->{run}->kill_kill;
write_some(2);
start();
like(names(), qr/^(?:@{[ $written - 2 ]} )?@{[ $written - 1 ]} $written$/, 'started again, it goes on where it was');
$client->{run}->kill_kill;
done_testing();
