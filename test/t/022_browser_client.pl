# The JavaScript client in a headless Chromium: connections that are cut, a server that restarts.
use strict;
use warnings;
use BugEvents::Program;
use BugEvents::Server;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = BugEvents::Server->start_new('browser_client', conf => "bugevents.gateways = 2\n");
my $browser = BugEvents::Program->start(
	[ 'node', 'test/browser/client.mjs', 'http://127.0.0.1:' . $server->port . '/', $server->token('1') ],
	env => { HOME => PostgreSQL::Test::Utils::tempdir() });

sub line { return $browser->line // 'nothing: ' . $browser->err; }

is(line(), 'ready', 'connected');
my $sent = 0;
for my $round (1 .. 5)
{
	$server->sql("INSERT INTO projects (name) SELECT 'before $round.' || n FROM generate_series(1, 20) n");
	kill 'KILL', $server->gateway_pids;
	$server->sql("INSERT INTO projects (name) SELECT 'after $round.' || n FROM generate_series(1, 20) n");
	$server->wait_ready;
	$sent += 40;
	$browser->tell("$sent\n");
	my ($came, $wrong, $sessions, $resyncs) = split ' ', line();
	is("$came $wrong $resyncs", "$sent 0 0", "cut $round: each event once, in order");
	cmp_ok($sessions, '>', $round, '... over another connection');
}
$server->sql("INSERT INTO projects (name) VALUES ('before the restart')");
$server->node->restart;
$server->wait_ready;
$server->sql("INSERT INTO projects (name) VALUES ('after the restart')");
$sent += 2;
$browser->tell("$sent\n");
my ($came, $wrong, undef, $resyncs) = split ' ', line();
is("$came $wrong $resyncs", "$sent 0 0", 'and over a restart of the server');
$browser->tell("end\n");
$browser->finish;
is($browser->err, '', 'the browser ran');
done_testing();
