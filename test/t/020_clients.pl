# Other people's clients: node's ws and python's websockets.
use strict;
use warnings;
use BugEvents::Server;
use IPC::Run qw(start pump finish timeout);
use Test::More;

my $server = BugEvents::Server->start_new('clients');
my $clients = 'test/clients';
my %command = (
	"node's ws" => [ 'node', "$clients/ws_client.js" ],
	"python's websockets" => [ '/usr/bin/python3', "$clients/websockets_client.py" ]);

sub lines_until
{
	my ($h, $out, $pattern) = @_;

	until ($$out =~ $pattern)
	{
		pump $h or last;
	}
	like($$out, $pattern, "... says $pattern");
	return;
}

for my $name (sort keys %command)
{
	for my $via (qw(query header subprotocol))
	{
		my ($in, $out, $err) = ('', '', '');
		my $h = start [ @{ $command{$name} }, $server->port, $server->token('1'), $via ],
		  \$in, \$out, \$err, timeout($BugEvents::Server::TIMEOUT);

		lines_until($h, \$out, qr/^connection ready .*\n/m);
		my ($since, $stream) = $out =~ /^connection ready (\d+) (\S+)/m;
		ok($since, "$name, token by $via: ready at $since");
		$server->sql("INSERT INTO projects (name) VALUES ('for $via'), ('again')");
		lines_until($h, \$out, qr/^project created \d+ for $via\n.*^project created \d+ again\n/ms);
		my ($seen) = $out =~ /^project created (\d+) for $via\n/m;

		# Ask for the end: a close handshake, and what the client thinks of it.
		$in .= "close\n";
		lines_until($h, \$out, qr/^closed 1000\b/m);
		ok(finish($h), '... and ends well') or diag($err);

		$server->sql("INSERT INTO projects (name) VALUES ('missed \xc3\xa9')");
		($in, $out, $err) = ('', '', '');
		$h = start [ @{ $command{$name} }, $server->port, $server->token('1'), $via, $seen, $stream ],
		  \$in, \$out, \$err, timeout($BugEvents::Server::TIMEOUT);
		lines_until($h, \$out, qr/^project created \d+ missed/m);
		like($out, qr/^connection ready[^\n]*\nproject created \d+ again\nproject created \d+ missed/m,
			'... resumes exactly where it was');
		$in .= "ping\n";
		lines_until($h, \$out, qr/^reply p1\n/m);
		$in .= "close\n";
		finish $h;
	}

	# A refusal can be read, and a large message arrives.
	my ($in, $out, $err) = ('', '', '');
	my $h = start [ @{ $command{$name} }, $server->port, 'no.good.token', 'query' ],
	  \$in, \$out, \$err, timeout($BugEvents::Server::TIMEOUT);
	lines_until($h, \$out, qr/^error invalid_token\nclosed 1008 invalid_token$/m);
	finish $h;

	($in, $out, $err) = ('', '', '');
	$h = start [ @{ $command{$name} }, $server->port, $server->token('1'), 'query' ],
	  \$in, \$out, \$err, timeout($BugEvents::Server::TIMEOUT);
	lines_until($h, \$out, qr/^connection ready .*\n/m);
	$server->sql("INSERT INTO projects (name, description) VALUES ('large', repeat('x', 1000000))");
	lines_until($h, \$out, qr/^project created \d+ large\n/m);
	$server->node->restart if $name =~ /node/;
	if ($name =~ /node/)
	{
		lines_until($h, \$out, qr/^closed 1012 shutting_down$/m);
		$server->wait_ready;
	}
	else { $in .= "close\n"; }
	finish $h;
}
done_testing();
