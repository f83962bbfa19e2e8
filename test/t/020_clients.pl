# Other people's clients: node's ws and python's websockets.
use strict;
use warnings;
use BugEvents::Program;
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('clients');
my $clients = 'test/clients';
my %command = (
	"node's ws" => [ 'node', "$clients/ws_client.js" ],
	"python's websockets" => [ '/usr/bin/python3', "$clients/websockets_client.py" ]);

sub says
{
	my ($client, $pattern) = @_;

	ok($client->wait_for(sub { $client->out =~ $pattern }, $pattern), "... says $pattern");
	return;
}

for my $name (sort keys %command)
{
	for my $via (qw(query header subprotocol))
	{
		my $client = BugEvents::Program->start([ @{ $command{$name} }, $server->port, $server->token('1'), $via ]);

		says($client, qr/^connection ready .*\n/m);
		my ($since, $stream) = $client->out =~ /^connection ready (\d+) (\S+)/m;
		ok($since, "$name, token by $via: ready at $since");
		$server->sql("INSERT INTO projects (name) VALUES ('for $via'), ('again')");
		says($client, qr/^project created \d+ for $via\n.*^project created \d+ again\n/ms);
		my ($seen) = $client->out =~ /^project created (\d+) for $via\n/m;

		# Ask for the end: a close handshake, and what the client thinks of it.
		$client->tell("close\n");
		says($client, qr/^closed 1000\b/m);
		ok($client->finish, '... and ends well') or diag($client->err);

		$server->sql("INSERT INTO projects (name) VALUES ('missed \xc3\xa9')");
		$client = BugEvents::Program->start([ @{ $command{$name} }, $server->port, $server->token('1'), $via, $seen, $stream ]);
		says($client, qr/^project created \d+ missed/m);
		like($client->out, qr/^connection ready[^\n]*\nproject created \d+ again\nproject created \d+ missed/m,
			'... resumes exactly where it was');
		$client->tell("ping\n");
		says($client, qr/^reply p1\n/m);
		$client->tell("close\n");
		$client->finish;
	}

	# A refusal can be read, and a large message arrives.
	my $client = BugEvents::Program->start([ @{ $command{$name} }, $server->port, 'no.good.token', 'query' ]);
	says($client, qr/^error invalid_token\nclosed 1008 invalid_token$/m);
	$client->finish;

	$client = BugEvents::Program->start([ @{ $command{$name} }, $server->port, $server->token('1'), 'query' ]);
	says($client, qr/^connection ready .*\n/m);
	$server->sql("INSERT INTO projects (name, description) VALUES ('large', repeat('x', 1000000))");
	says($client, qr/^project created \d+ large\n/m);
	$server->node->restart if $name =~ /node/;
	if ($name =~ /node/)
	{
		says($client, qr/^closed 1012 shutting_down$/m);
		$server->wait_ready;
	}
	else { $client->tell("close\n"); }
	$client->finish;
}
done_testing();
