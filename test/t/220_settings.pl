# Wrong settings are refused; right ones take effect without dropping anyone.
use strict;
use warnings;
use BugEvents::Server;
use IO::Socket::INET;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = BugEvents::Server->start_new('settings');
my $node = $server->node;

# Refused with a reason.
for my $case (
	[ 'bugevents.port', '0' ], [ 'bugevents.port', '65536' ], [ 'bugevents.port', 'http' ],
	[ 'bugevents.gateways', '0' ], [ 'bugevents.queue_size', '1kB' ], [ 'bugevents.window_size', '-1' ],
	[ 'bugevents.max_connections', '0' ], [ 'bugevents.jwt_algorithms', 'HS256,none' ],
	[ 'bugevents.jwt_algorithms', 'hs256' ], [ 'bugevents.allowed_origins', 'example.org' ],
	[ 'bugevents.allowed_origins', 'https://example.org/path' ], [ 'bugevents.allowed_origins', 'https://a.example,,https://b.example' ],
	[ 'bugevents.ping_interval', 'often' ], [ 'bugevents.connection_timeout', '0' ], [ 'bugevents.max_message_size', '1' ],
	[ 'bugevents.no_such_setting', '1' ])
{
	my ($name, $value) = @$case;
	my ($status, $out, $err) = $node->psql('postgres', "ALTER SYSTEM SET $name = '$value'");

	isnt($status, 0, "$name = '$value' is refused");
	like($err, qr/ERROR:.*\Q$name\E/, '... by name');
}
{
	my ($status, $out, $err) = $node->psql('postgres', q{ALTER SYSTEM SET bugevents.jwt_algorithms = 'HS999'});
	like($err, qr/HINT:.*HS256/, 'with a hint');
	($status, $out, $err) = $node->psql('postgres', q{ALTER SYSTEM SET bugevents.allowed_origins = 'x'});
	like($err, qr/HINT:.*https:/, 'with a hint, too');
	($status, $out, $err) = $node->psql('postgres', q{CREATE ROLE plain; SET ROLE plain; SHOW bugevents.jwt_secret_file});
	like($err, qr/(superuser|pg_read_all_settings|permission denied)/, 'where the secret is, is not for everyone');
}

# A connection that lives through all reloads.
my $ws = $server->connect('1');
my ($gateway) = $server->gateway_pids;

sub close_of
{
	my (%o) = @_;
	my $ws = BugEvents::WebSocket->connect(port => $server->port, %o);
	my $message = $ws->next_json;

	return $message->{action} if $message->{type} eq 'connection';
	$ws->wait_close;
	return $message->{payload}{code};
}

sub becomes
{
	my ($what, $expected, %o) = @_;
	my $last = '';

	eval { BugEvents::Server::wait_until(sub { ($last = close_of(%o)) eq $expected }, $what) };
	is($last, $expected, $what);
	return;
}

# While commits come fast, the dispatcher looks for them now and then.
sub deliveries
{
	return split /\|/, $server->sql(q{SELECT sum(value) FILTER (WHERE name = 'bugevents_delivery_seconds_count'),
		sum(value) FILTER (WHERE name = 'bugevents_delivery_seconds_bucket' AND labels = 'le="0.01"') FROM bugevents.stats});
}
sub are_late
{
	my @before = deliveries();
	$server->sql(q{SET bugevents.send_rate = 0; SET synchronous_commit = off;
		DO $$BEGIN FOR i IN 1 .. 4000 LOOP PERFORM bugevents.send('load', 'went_on', '{}', audience => 'user:1'); COMMIT; END LOOP; END$$});
	my @after = deliveries();
	return $after[0] - $before[0] > 2 * ($after[1] - $before[1]);
}
$server->set('bugevents.poll_interval' => '100ms');
BugEvents::Server::wait_until(\&are_late, 'the dispatcher to look every 100 ms');
$server->set('bugevents.poll_interval' => '0');
BugEvents::Server::wait_until(sub { !are_late() }, 'each commit to wake it');
$server->set('bugevents.poll_interval' => '2ms');
is(scalar(grep { ($_->{type} // '') eq 'load' } $server->events_before_fence($ws)) % 4000, 0, 'nothing is lost');

# Origins.
my @origin = (token => $server->token('2'), origin => 'https://tracker.example.org');
is(close_of(@origin), 'origin_not_allowed', 'an origin that is not allowed');
$server->set('bugevents.allowed_origins' => 'https://other.example, https://tracker.example.org');
becomes('... is allowed after a reload', 'ready', @origin);
is(close_of(token => $server->token('2'), origin => 'https://tracker.example.org.evil.example'), 'origin_not_allowed',
	'... exactly that one');
$server->set('bugevents.allowed_origins' => '*');
becomes('* allows any', 'ready', token => $server->token('2'), origin => 'https://any.example');
$server->set('bugevents.allowed_origins' => '');
becomes('and none again', 'origin_not_allowed', @origin);

# The secret.
my $old = $server->token('2');
$server->{secret} = 'another secret, as long as HS512 wants it: sixty-four bytes or more';
append_to_file($node->data_dir . '/new_secret', $server->{secret});
chmod 0600, $node->data_dir . '/new_secret';
$server->set('bugevents.jwt_secret_file' => 'new_secret');
becomes('a token of the new secret passes after a reload', 'ready', token => $server->token('2'));
is(close_of(token => $old), 'invalid_token', '... one of the old secret does not');

# A secret that can't be read: what worked before goes on.
my $offset = $server->log_size;
$server->set('bugevents.jwt_secret_file' => 'no_such_file');
$server->wait_log(qr/no_such_file/, $offset);
is(close_of(token => $old), 'invalid_token', 'a missing secret lets nobody in with the old one');
$server->set('bugevents.jwt_secret_file' => 'new_secret');
becomes('the new one again', 'ready', token => $server->token('2'));

# A secret that others may read is none any more.
my $file = $node->data_dir . '/new_secret';
for my $mode (0640, 0604, 0620)
{
	chmod $mode, $file;
	$offset = $server->log_size;
	$node->reload;
	$server->wait_log(qr/WARNING:  file "new_secret" of bugevents.jwt_secret_file has group or world access.*DETAIL:  It must have permissions u=rw \(0600\)/s, $offset);
	becomes(sprintf('a secret of mode %04o is not read', $mode), 'invalid_token', token => $server->token('2'));
}
like(($node->psql('postgres', q{SELECT bugevents.token('2')}))[2], qr/file "new_secret" .* has group or world access/, 'nor to sign tokens');
chmod 0400, $file;
$node->reload;
becomes('the mode is right', 'ready', token => $server->token('2'));
append_to_file($node->data_dir . '/shown.key', "x\n");
chmod 0644, $node->data_dir . '/shown.key';
$offset = $server->log_size;
$server->set('bugevents.jwt_key_file' => 'shown.key');
$server->wait_log(qr/the public keys for tokens could not be read/, $offset);
unlike($server->log_since($offset), qr/group or world access/, 'what is public may be read by all');
$server->set('bugevents.jwt_key_file' => '', 'bugevents.tls_key_file' => 'shown.key', 'bugevents.tls_cert_file' => 'shown.key');
$server->wait_log(qr/file "shown.key" of bugevents.tls_key_file has group or world access/, $offset);
unlike($server->log_since($offset), qr/bugevents.tls_cert_file has group/, 'a certificate, too; its key may not');
$server->set('bugevents.tls_key_file' => '', 'bugevents.tls_cert_file' => '');
BugEvents::Server::wait_until(sub { (eval { close_of(token => $server->token('2')) } // '') eq 'ready' }, 'no TLS');

# Algorithms, issuer and audience.
$server->set('bugevents.jwt_algorithms' => 'HS512');
becomes('HS256 is no longer allowed', 'invalid_token', token => $server->token('2'));
is(close_of(token => $server->token('2', alg => 'HS512')), 'ready', '... HS512 is');
$server->set('bugevents.jwt_algorithms' => 'HS256', 'bugevents.jwt_issuer' => 'https://id.example', 'bugevents.jwt_audience' => 'bugs');
becomes('an issuer is there', 'ready', token => $server->token('2', claims => { iss => 'https://id.example', aud => 'bugs' }));
is(close_of(token => $server->token('2')), 'invalid_token', '... and is required');
is(close_of(token => $server->token('2', claims => { iss => 'https://id.example', aud => [ 'x', 'bugs' ] })), 'ready',
	'... an audience in a list');
is(close_of(token => $server->token('2', claims => { iss => 'https://id.example', aud => 'other' })), 'invalid_token',
	'... another audience');
is(close_of(token => $server->token('2', claims => { iss => 'https://other.example', aud => 'bugs' })), 'invalid_token',
	'... another issuer');
$server->set('bugevents.jwt_issuer' => '', 'bugevents.jwt_audience' => '');
becomes('and none again', 'ready', token => $server->token('2'));

# All that time the first connection was there.
$server->sql("INSERT INTO projects (name) VALUES ('still here')");
is($ws->next_event->{payload}{name}, 'still here', 'the first connection lived through it all');
is(($server->gateway_pids)[0], $gateway, '... in the same gateway');

# A smaller limit for messages.
$server->set('bugevents.max_message_size' => '2kB');
BugEvents::Server::wait_until(sub {
		my $ws = $server->connect('2');
		$ws->send_json({ type => 'ping', id => 'x', pad => 'x' x 4000 });
		my $message = $ws->next_json;
		return !$message || $message->{type} ne 'reply' && ($ws->wait_close // 0) == 1009;
	}, 'a smaller max_message_size');
pass('a smaller max_message_size takes effect');

# The port moves.
my $old_port = $server->port;
$server->{port} = PostgreSQL::Test::Cluster::get_free_port();
$server->set('bugevents.port' => $server->port);
$server->wait_ready;
pass('the port moves with a reload');
ok(!IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $old_port), '... away from the old one');

# A port that is taken: a line in the log, and another try by itself.
my $taken = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', LocalPort => 0) or die $!;
$offset = $server->log_size;
$server->{port} = $taken->sockport;
$server->set('bugevents.port' => $server->port);
my $port = $server->port;
$server->wait_log(qr/\b$port\b.*(in use|bind)/, $offset);
pass('a port that is taken is named in the log');
close $taken;
$server->wait_ready;
pass('... and taken over as soon as it is free');

# Two gateways share the port.
$server->set('bugevents.gateways' => 2);
BugEvents::Server::wait_until(sub { $server->gateway_pids == 2 }, 'two gateways');
$server->wait_ready;
my @many = map { $server->connect("u$_") } 1 .. 20;
my $mark = $server->fence;
$server->events_before_fence($_, $mark) for @many;
pass('twenty clients of two gateways all see an event');
$server->set('bugevents.gateways' => 1);
BugEvents::Server::wait_until(sub { $server->gateway_pids == 1 }, 'one gateway again');
pass('and one again');

# Started with the port taken, the server starts all the same.
$node->stop;
$taken = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', LocalPort => $server->port, ReuseAddr => 1);
SKIP: {
	skip 'the port was taken by someone else', 1 if !$taken;
	$offset = $server->log_size;
	$node->start;
	$server->wait_log(qr/\b$port\b.*(in use|bind)/, $offset);
	$server->sql("INSERT INTO projects (name) VALUES ('nobody listens')");
	close $taken;
	$server->wait_ready;
	pass('a server that starts with its port taken serves once it is free');
}

# The port of PostgreSQL itself, if it listens on TCP at all.
my $own = "ALTER SYSTEM SET bugevents.port = " . $node->port;
is(($node->psql('postgres', $own))[0], 0, 'the number of a Unix socket is no port');
$node->safe_psql('postgres', 'ALTER SYSTEM RESET bugevents.port');
$node->append_conf('postgresql.conf', "listen_addresses = '127.0.0.1'");
$node->restart;
my (undef, undef, $refusal) = $node->psql('postgres', $own);
like($refusal, qr/ERROR:  invalid value for parameter "bugevents.port".*is the port of PostgreSQL itself.*HINT:  The gateways need a port of their own/s,
	'the port of PostgreSQL itself is refused');
$node->append_conf('postgresql.conf', 'bugevents.port = ' . $node->port);
$offset = $server->log_size;
$node->reload;
$server->wait_log(qr/invalid value for parameter "bugevents.port".*is the port of PostgreSQL itself/s, $offset);
is($node->safe_psql('postgres', 'SHOW bugevents.port'), $server->port, '... in the file, too, and what was set before stays');
done_testing();
