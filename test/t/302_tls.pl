# TLS from postgresql.conf to other people's clients, and what is listened on.
use strict;
use warnings;
use BugEvents::Program;
use BugEvents::Server;
use IPC::Run qw(run);
use PostgreSQL::Test::Utils;
use Test::More;

my $server = BugEvents::Server->start_new('tls');
my $node = $server->node;
my $data = $node->data_dir;

# A certificate and its key, as an operator puts them there.
sub put_certificate
{
	my ($name) = @_;
	my $err;

	run [
		'openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
		'-subj', "/CN=$name", '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2',
		'-keyout', "$data/tls.key", '-out', "$data/tls.crt" ],
	  '2>', \$err
	  or die "openssl: $err";
	chmod 0600, "$data/tls.key";
	return;
}

# What the kernel says the gateways listen on.
sub listening
{
	my $port = $server->port;
	my $out;

	run [ 'ss', '-Hltn', "sport = :$port" ], '>', \$out;
	return join ' ', sort map { (split)[3] } split /\n/, $out;
}

# Whose certificate is shown; empty: none.
sub shown
{
	my ($out, $err);

	run [ 'openssl', 's_client', '-connect', '127.0.0.1:' . $server->port, '-servername', 'localhost' ],
	  '<', \'', '>', \$out, '2>', \$err;
	return $out =~ /subject=CN ?= ?(\S+)/ ? $1 : '';
}

sub client_says
{
	my ($name, $command, $pattern) = @_;
	my $client = BugEvents::Program->start([ @$command, $server->port, $server->token('1'), 'subprotocol' ], env => { CA => "$data/tls.crt" });

	$client->says(qr/^connection ready/m);
	$server->sql("INSERT INTO projects (name) VALUES ('encrypted')");
	ok($client->says($pattern), $name);
	$client->tell("close\n");
	ok($client->finish, '... and ends well') or diag($client->err);
	return;
}

# Without TLS: loopback only.
my $plain = $server->connect('7');
my $port = $server->port;
is(listening(), "127.0.0.1:$port", 'listened on: what is configured');
my $from = $server->log_size;
$server->set('bugevents.listen_addresses' => '0.0.0.0');
$server->wait_log(qr/WARNING:.*could not bind 0\.0\.0\.0:$port: without tls_cert_file only loopback/, $from);
is(listening(), "127.0.0.1:$port", 'other addresses are refused without TLS, and the log says why');
$server->set('bugevents.allow_plaintext' => 'on');
BugEvents::Server::wait_until(sub { listening() eq "0.0.0.0:$port" }, 'the open address');
pass('allow_plaintext opens them');
$server->set('bugevents.allow_plaintext' => 'off', 'bugevents.listen_addresses' => '127.0.0.1');
BugEvents::Server::wait_until(sub { listening() eq "127.0.0.1:$port" }, 'loopback');

# Names are looked up by the dispatcher, since a gateway may not.
my $name = 'x' x 70;
$from = $server->log_size;
$server->set('bugevents.listen_addresses' => "127.1, $name");
$server->wait_log(qr/WARNING:.*could not resolve "$name" of bugevents\.listen_addresses/, $from);
$server->wait_log(qr/WARNING:.*"$name" is not an address/, $from);
is(listening(), "127.0.0.1:$port", 'what a name stands for is listened on');
$server->set('bugevents.listen_addresses' => '127.0.0.1');

# With a file that is not there, nobody is served in plain text by mistake.
$from = $server->log_size;
$server->set('bugevents.tls_cert_file' => 'tls.crt', 'bugevents.tls_key_file' => 'tls.key');
$server->wait_log(qr/could not open file "tls\.crt" of bugevents\.tls_cert_file: No such file/, $from);
$server->wait_log(qr/WARNING:.*tls_cert_file has no certificate/, $from);
ok(!eval { BugEvents::WebSocket->http(port => $port, path => '/health') }, 'a missing certificate: no plain text');

put_certificate('first');
$node->reload;
BugEvents::Server::wait_until(sub { shown() eq 'first' }, 'the certificate');
pass('after a reload the certificate is shown');
client_says("node's ws by TLS", [ 'node', 'test/clients/ws_client.js' ],
	qr/^project created \d+ encrypted$/m);
client_says("python's websockets by TLS", [ '/usr/bin/python3', 'test/clients/websockets_client.py' ],
	qr/^project created \d+ encrypted$/m);

# Renewal, as certbot's hook does it.
put_certificate('second');
$node->reload;
BugEvents::Server::wait_until(sub { shown() eq 'second' }, 'the new certificate');
pass('a renewed certificate is shown after a reload');
$server->sql("INSERT INTO projects (name) VALUES ('still there')");
my $event;
do { $event = $plain->next_event } until $event->{payload}{name} eq 'still there';
pass('and a connection from before all this still gets the stream');

my ($status, $out, $err) = $node->psql('postgres', q{ALTER SYSTEM SET bugevents.tls_min_protocol_version = 'TLSv1.1'});
like($err, qr/HINT:.*TLSv1\.2, TLSv1\.3/, 'an old protocol is refused with a hint');
is($server->log_since(0) =~ /PRIVATE KEY/, '', 'no key is in the log');

done_testing();
