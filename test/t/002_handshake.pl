# Who gets in, by which route, and what the others are told.
use strict;
use warnings;
use BugEvents::Server;
use IO::Socket::INET;
use MIME::Base64 qw(encode_base64url);
use Test::More;

my $server = BugEvents::Server->start_new('handshake');
my $port = $server->port;

# Each route of the token.
for my $via (qw(query header subprotocol))
{
	my $ws = $server->connect('7', via => $via);

	is($ws->{ready}{payload}{user_id}, '7', "token by $via");
	is($ws->header('sec-websocket-protocol'), $via eq 'subprotocol' ? 'bugevents.v1' : undef,
		"... subprotocol in the answer ($via)");
	$ws->finish;
}
{
	my $ws = $server->connect('7', protocols => ['bugevents.v1']);

	is($ws->header('sec-websocket-protocol'), 'bugevents.v1', 'the subprotocol without a token in it');
	$ws->finish;
}

# Roles.
is($server->connect('1', role => 'admin')->{ready}{payload}{role}, 'admin', 'role admin');
is($server->connect('1', claims => { role => undef, is_admin => JSON::PP::true() })->{ready}{payload}{role},
	'admin', 'is_admin means admin');
is($server->connect('1', claims => { role => undef })->{ready}{payload}{role}, 'user', 'without a role: user');

# Refusals: an error message, then close 1008 with the code as its reason, and
# nothing else before or after.
sub refused
{
	my ($code, $what, %o) = @_;
	my @messages;
	my $ws = BugEvents::WebSocket->connect(port => $port, %o);
	my $close = $ws->wait_close(undef, \@messages);

	is(scalar @messages, 1, "$what: one message");
	is($messages[0]{type}, 'error', '... an error');
	is($messages[0]{payload}{code}, $code, "... $code");
	ok(length($messages[0]{payload}{message} // ''), '... that says why');
	is($close, 1008, '... and close 1008');
	is($ws->close_reason, $code, '... with the code as reason');
	return;
}

my $now = time;
my $body = $server->token('7');
refused('missing_token', 'no token');
refused('missing_token', 'an empty token', query => { token => '' });
refused('invalid_token', 'garbage', token => 'garbage');
refused('invalid_token', 'three parts of garbage', token => 'a.b.c');
refused('invalid_token', 'two parts', token => ($body =~ s/\.[^.]*$//r));
refused('invalid_token', 'a wrong secret', token => $server->token('7', secret => 'another secret, thirty-two bytes long'));
refused('invalid_token', 'a changed payload',
	token => join('.', (split /\./, $body)[0], encode_base64url('{"sub":"1","role":"admin","exp":9999999999}'), (split /\./, $body)[2]));
refused('invalid_token', 'alg none', token => $server->token('7', alg => 'none'));
refused('invalid_token', 'alg None', token => $server->token('7', alg => 'none', header => { alg => 'None' }));
refused('invalid_token', 'an algorithm outside the list', token => $server->token('7', alg => 'HS512'));
refused('invalid_token', 'another algorithm in the header',
	token => $server->token('7', alg => 'HS512', header => { alg => 'HS256' }));
refused('invalid_token', 'no sub', token => $server->token('7', claims => { sub => undef }));
refused('invalid_token', 'an empty sub', token => $server->token('7', claims => { sub => '' }));
refused('invalid_token', 'no exp', token => $server->token('7', claims => { exp => undef }));
refused('invalid_token', 'an exp that is text', token => $server->token('7', claims => { exp => 'tomorrow' }));
refused('token_expired', 'expired', token => $server->token('7', ttl => -3600));
refused('invalid_token', 'not valid yet', token => $server->token('7', claims => { nbf => $now + 3600 }));
refused('invalid_token', 'a payload that is no object', token => $server->token('7', payload => '[1]'));
refused('invalid_token', 'a payload that is no JSON', token => $server->token('7', payload => '{'));
refused('invalid_token', 'a token of 4 kB of zeros', token => '0' x 4000);
refused('token_expired', 'by header', token => $server->token('7', ttl => -3600), via => 'header');
refused('token_expired', 'by subprotocol', token => $server->token('7', ttl => -3600), via => 'subprotocol');

# The leeway tolerates clocks that differ a little.
is($server->connect('7', ttl => -5)->{ready}{payload}{user_id}, '7', 'expired within the leeway');

# Origins: none is no browser; the gateway's own passes; others don't.
is($server->connect('7', origin => "http://127.0.0.1:$port")->{ready}{type}, 'connection', 'the own origin');
refused('origin_not_allowed', 'another origin', token => $server->token('7'), origin => 'https://evil.example');
refused('origin_not_allowed', 'another port', token => $server->token('7'), origin => 'http://127.0.0.1:1');
refused('origin_not_allowed', 'origin null', token => $server->token('7'), origin => 'null');

# A token that the server makes is as good as ours.
{
	my $ws = BugEvents::WebSocket->connect(port => $port,
		token => $server->sql("SELECT bugevents.token('9', 'admin')"));
	my $ready = $ws->next_json;

	is("$ready->{payload}{user_id} $ready->{payload}{role}", '9 admin', 'a token from bugevents.token()');
	$ws->finish;
}
{
	my ($status, $out, $err) = $server->node->psql('postgres',
		"CREATE ROLE nobody_special; SET ROLE nobody_special; SELECT bugevents.token('9', 'admin')");

	like($err, qr/permission denied/, 'token() is not for everyone');
}

# No message before the token was checked, even when one is sent at once.
{
	my $ws = BugEvents::WebSocket->connect(port => $port, token => 'bad');

	$ws->send_json({ type => 'ping', id => 1 });
	$ws->send_json({ type => 'subscribe', payload => {} });
	my @messages;
	is($ws->wait_close(undef, \@messages), 1008, 'messages on a refused connection');
	is_deeply([ map { $_->{type} } @messages ], ['error'], '... are not answered');
}

# HTTP on the same port.
my ($status, $answer) = $server->http('/health');
is($status, 200, '/health');
($status, $answer) = $server->http('/ready');
is($status, 200, '/ready');
($status, $answer) = $server->http('/nothing/here');
is($status, 404, 'an unknown path');
($status) = $server->http('/../../etc/passwd');
isnt($status, 200, 'a path upwards');
($status) = $server->http('/ws');
isnt($status, 200, '/ws without an upgrade');
isnt($status, 101, '... is not one');
{
	my $ws = BugEvents::WebSocket->connect(port => $port, token => $server->token('7'), path => '/other', http => 1);

	isnt($ws->status, 101, 'an upgrade elsewhere is refused');
}
{
	my $ws = eval {
		BugEvents::WebSocket->connect(port => $port, token => $server->token('7'), version => 12, http => 1);
	};

	ok(!$ws || $ws->status != 101, 'another version of the protocol is refused');
}

# Only the address that was asked for is listened on.
my @listening = grep { $_ eq sprintf('%04X', $port) }
  map { /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) \S+ 0A/ ? $1 : () }
  map { split /\n/, PostgreSQL::Test::Utils::slurp_file($_) } grep { -e } '/proc/net/tcp', '/proc/net/tcp6';
is(scalar @listening, 1, 'one listening socket');
like(PostgreSQL::Test::Utils::slurp_file('/proc/net/tcp'), qr/0100007F:@{[sprintf '%04X', $port]} \S+ 0A/,
	'... on the loopback address');

# After all that, the gateway is the one that was started first.
is(scalar $server->gateway_pids, 1, 'one gateway');
unlike($server->log_since(0), qr/gateway.*(ended|exited|terminated|died)/, 'it never fell over');
done_testing();
