# Two gateways, one stream, one count: who is connected, how many may be, and how
# to end a connection.
use strict;
use warnings;
use BugEvents::Server;
use IO::Socket::INET;
use Test::More;

my $server = BugEvents::Server->start_new('connections', conf => "bugevents.gateways = 2\n");

sub connections { return $server->sql("SELECT count(*) FROM bugevents.connections " . ($_[0] // '')); }

BugEvents::Server::wait_until(sub { $server->gateway_pids == 2 }, 'two gateways');

# Connections spread over both, and each sees the same.
my %gateway;
my @clients;
BugEvents::Server::wait_until(sub {
		push @clients, $server->connect('7');
		%gateway = map { split /\|/ } split /\n/,
			$server->sql('SELECT gateway, count(*) FROM bugevents.connections GROUP BY gateway');
		return keys %gateway == 2;
	}, 'clients at both gateways');
$server->sql("INSERT INTO projects (name) SELECT 'p' || g FROM generate_series(1, 50) g");
my $mark = $server->fence;
my %seen = map { join(',', map { $_->{seq} } $server->events_before_fence($_, $mark)) => 1 } @clients;
is(scalar keys %seen, 1, 'both gateways deliver the same, in the same order');

# The view.
my $one = $server->connect('eve', role => 'admin');
my $id = $one->{ready}{payload}{connection_id};
is($server->sql("SELECT user_id, role, address, connected_at <= now(), expires_at > now() FROM bugevents.connections WHERE id = '$id'"),
	'eve|admin|127.0.0.1|t|t', 'the view says who is connected');
$server->sql("INSERT INTO projects (name) VALUES ('for the numbers')");
$one->send_json({ type => 'ping' });
BugEvents::Server::wait_until(sub {
		$server->sql("SELECT sent, received, lag FROM bugevents.connections WHERE id = '$id'") eq '1|1|0';
	}, 'the numbers of a connection');
pass('... and how it is doing');
is($server->sql("SELECT protocol FROM bugevents.connections WHERE id = '$id'"), 'websocket', '... and by which protocol');
{
	my @by_http = map {
			my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server->port) or die $!;

			print $socket join("\r\n", 'GET /events?wait=60 HTTP/1.1', 'Host: localhost', "Accept: $_", 'Authorization: Bearer ' . $server->token('http'), '', '');
			$socket->flush;
			$socket } 'text/event-stream', 'application/json';

	BugEvents::Server::wait_until(sub { $server->sql("SELECT string_agg(protocol, ' ' ORDER BY protocol) FROM bugevents.connections WHERE user_id = 'http'") eq 'json sse' },
		'those by HTTP', sub { $server->sql("SELECT * FROM bugevents.connections WHERE user_id = 'http'") });
	pass('... those by HTTP, too');
	close($_) for @by_http;
}
is($server->node->psql('postgres', "SET ROLE pg_monitor; SELECT count(*) FROM bugevents.connections"), 0,
	'pg_monitor may look');
$server->sql('CREATE ROLE nobody_special');
isnt($server->node->psql('postgres', 'SET ROLE nobody_special; SELECT * FROM bugevents.connections'), 0,
	'... not everybody');
isnt($server->node->psql('postgres', "SET ROLE nobody_special; SELECT bugevents.disconnect('$id', 'x')"), 0,
	'... nor disconnect');

# Disconnecting.
is($server->sql("SELECT bugevents.disconnect('$id', 'maintenance')"), 't', 'disconnect');
is($one->wait_close, 1008, '... closes with 1008');
is($one->close_reason, 'maintenance', '... and the reason');
BugEvents::Server::wait_until(sub { connections("WHERE id = '$id'") == 0 }, 'the connection to leave the view');
is($server->sql("SELECT bugevents.disconnect('$id', 'maintenance')"), 'f', 'an unknown id is false');
isnt($server->node->psql('postgres', "SELECT bugevents.disconnect('$id', repeat('x', 64))"), 0, 'a long reason is an error');
isnt($server->node->psql('postgres', "SELECT bugevents.disconnect('$id', U&'\\00e9')"), 0, '... and so is one that is not ASCII');

# One limit for all gateways, freed when a socket dies.
$_->drop for @clients;
BugEvents::Server::wait_until(sub { connections() == 0 }, 'the dropped connections to be gone');
$server->set('bugevents.max_connections_per_user' => 3);
BugEvents::Server::wait_until(sub {
		my $ws = $server->connect('probe');
		my $limit = $ws->{ready}{payload}{limits}{max_connections_per_user};
		$ws->finish;
		return $limit == 3;
	}, 'the new limit');
my @three = map { $server->connect('8') } 1 .. 3;
for my $try (1 .. 6)
{
	my $ws = $server->connect('8', raw => 1);
	is($ws->next_json->{payload}{code}, 'too_many_connections', "a fourth is refused, try $try");
	is($ws->wait_close, 1008, '... with 1008');
}
ok($server->connect('9'), 'another user is not concerned');
(shift @three)->drop;
BugEvents::Server::wait_until(sub { my $ws = $server->connect('8', raw => 1); my $m = $ws->next_json; push @three, $ws; $m->{type} eq 'connection' },
	'a place to be free');
pass('a socket that dies frees its place');

# So does a gateway that dies.
my @old = $server->gateway_pids;
kill 'KILL', @old;
$server->wait_new_gateway(@old);
BugEvents::Server::wait_until(sub { connections("WHERE user_id = '8'") == 0 }, 'the clients of the dead gateways to be gone');
my @again = map { $server->connect('8') } 1 .. 3;
is(scalar @again, 3, 'all places are free after both gateways died');
$_->finish for @again;

# One gateway that stands still doesn't hold up the other.
BugEvents::Server::wait_until(sub { $server->gateway_pids == 2 }, 'two gateways again');
my ($stopped) = $server->gateway_pids;

my ($free, @tried);
kill 'STOP', $stopped;
for (1 .. 40)
{
	# A connection that the stopped one accepted gets no answer.
	my $ws = eval { $server->connect("s$_", timeout => 3) };
	if ($ws) { $free = $ws; last; }
}
ok($free, 'the other gateway lets clients in');
$server->sql("INSERT INTO projects (name) VALUES ('while one stands still')");
is($free->next_event->{payload}{name}, 'while one stands still', '... and delivers') if $free;
kill 'CONT', $stopped;

# As many in all as max_connections, over both gateways: neither has that many by itself.
$server->node->append_conf('postgresql.conf', "bugevents.max_connections = 4\n");
$server->node->restart;
$server->wait_ready;
BugEvents::Server::wait_until(sub { $server->gateway_pids == 2 }, 'two gateways after the restart');
my @all;
BugEvents::Server::wait_until(sub {
		$_->drop for @all;
		BugEvents::Server::wait_until(sub { connections() == 0 }, 'nobody to be connected');
		@all = map { $server->connect("full$_") } 1 .. 4;
		return $server->sql('SELECT count(DISTINCT gateway) FROM bugevents.connections') == 2;
	}, 'four clients at both gateways');
for my $try (1 .. 6)
{
	my $ws = $server->connect('one more', raw => 1);
	is($ws->next_json->{payload}{code}, 'server_full', "one more than max_connections is refused, try $try");
	is($ws->wait_close, 1013, '... with 1013');
}
is(connections(), 4, '... and not connected');
(shift @all)->drop;
BugEvents::Server::wait_until(sub { my $ws = $server->connect('one more', raw => 1); my $m = $ws->next_json; push @all, $ws; $m->{type} eq 'connection' },
	'a place to be free');
pass('a place is free when one goes');
$server->node->stop;
done_testing();
