# Tokens signed with private keys: RS256 and ES256 from jwt_key_file, beside the
# secret; a public key is no secret; key sets, by the key's name; rotation by reload.
use strict;
use warnings;
use BugEvents::Server;
use Digest::SHA qw(hmac_sha256);
use JSON::PP;
use MIME::Base64 qw(encode_base64url);
use PostgreSQL::Test::Utils;
use Test::More;

my $server = BugEvents::Server->start_new('keys');
my $dir = PostgreSQL::Test::Utils::tempdir();

sub make_key
{
	my ($name, @options) = @_;

	system_or_bail("openssl genpkey @options -out $dir/$name.pem 2>/dev/null");
	system_or_bail("openssl pkey -in $dir/$name.pem -pubout -out $dir/$name.pub");
	return slurp_file("$dir/$name.pub");
}

# An ECDSA signature as JWS wants it: r and s, 32 bytes each.  Another key's is no pair of them: as many bytes of it.
sub raw_signature
{
	my ($der) = @_;
	return substr($der, 0, 64) if length $der > 72;
	my ($r, $s) = unpack('x2 xC/a xC/a', $der);

	return join '', map { substr("\0" x 32 . $_, -32) } $r, $s;
}

sub sign
{
	my ($key, $alg, %claims) = @_;
	my $kid = delete $claims{kid};
	my $text = join '.', map { encode_base64url(encode_json($_)) }
	  { alg => $alg, typ => 'JWT', defined $kid ? (kid => $kid) : () },
	  { sub => '42', exp => time + 600, %claims };
	my $file = "$dir/text";

	open(my $out, '>', $file) or die "$file: $!";
	print $out $text;
	close $out;
	my $signature = $alg eq 'EdDSA' ?
	  `openssl pkeyutl -sign -rawin -inkey $dir/$key.pem -in $file` :
	  `openssl dgst -sha256 -sign $dir/$key.pem -binary $file`;
	$signature = raw_signature($signature) if $alg eq 'ES256';
	return "$text." . encode_base64url($signature);
}

my $public = make_key('rsa', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048')
  . make_key('ec', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256');
make_key('other', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048');
append_to_file($server->node->data_dir . '/keys.pem', $public);

sub answer
{
	my ($token) = @_;
	my $ws = BugEvents::WebSocket->connect(port => $server->port, token => $token);
	my $message = $ws->next_json;

	$ws->drop;
	return $message->{action} // $message->{payload}{code};
}

is(answer(sign('rsa', 'RS256')), 'invalid_token', 'no key is configured yet');
my $live = $server->connect('1');
$server->set('bugevents.jwt_key_file' => 'keys.pem');
BugEvents::Server::wait_until(sub { answer(sign('rsa', 'RS256')) eq 'ready' }, 'the keys to be read');
pass('RS256');
is(answer(sign('ec', 'ES256')), 'ready', 'ES256, from the same file');
is(answer($server->token('7')), 'ready', 'HS256 beside them');
is(answer(sign('other', 'RS256')), 'invalid_token', 'a key that is not there');
is(answer(sign('rsa', 'RS256', exp => time - 3600)), 'token_expired', 'an expired one');
is(answer(sign('rsa', 'ES256')), 'invalid_token', 'an algorithm that is not the key\'s');
is(answer(sign('rsa', 'RS384')), 'invalid_token', 'an algorithm that is not allowed');

# The oldest trick: HMAC with the public key as the secret.
my $text = join '.', map { encode_base64url(encode_json($_)) } { alg => 'HS256' }, { sub => '1', exp => time + 600, role => 'admin' };
is(answer("$text." . encode_base64url(hmac_sha256($text, $public))), 'invalid_token', 'a public key is no secret');
is(answer("$text."), 'invalid_token', 'no signature');

# Rotation: a replaced file and a reload; connections stay.
open(my $out, '>', $server->node->data_dir . '/keys.pem') or die $!;
print $out slurp_file("$dir/other.pub");
close $out;
$server->node->reload;
BugEvents::Server::wait_until(sub { answer(sign('other', 'RS256')) eq 'ready' }, 'the new key');
is(answer(sign('rsa', 'RS256')), 'invalid_token', 'the old key is gone');
$server->sql("INSERT INTO projects (name) VALUES ('still here')");
is($live->next_event->{payload}{name}, 'still here', 'a connection from before lives on');

# A file that is no key is reported, and what worked goes on working.
my $log = $server->log_size;
open($out, '>', $server->node->data_dir . '/keys.pem') or die $!;
print $out "-----BEGIN PUBLIC KEY-----\nrubbish\n-----END PUBLIC KEY-----\n";
close $out;
$server->node->reload;
$server->wait_log(qr/can't serve as configured: .*key/, $log);
is(answer(sign('other', 'RS256')), 'ready', 'an unreadable key file leaves the old keys in force');

# A key set.  The file is replaced whole, as one would.  The PEM file is mended first,
# for keys are used all together or not at all.
open($out, '>', $server->node->data_dir . '/keys.pem') or die $!;
print $out slurp_file("$dir/other.pub");
close $out;
sub write_set
{
	my ($content) = @_;
	my $file = $server->node->data_dir . '/keys.jwks';

	open(my $set, '>', "$file.new") or die $!;
	print $set ref $content ? encode_json($content) : $content;
	close $set;
	rename "$file.new", $file or die $!;
	$server->node->reload;
	return;
}

# Made again under the same name, it is another key.
sub edwards_jwk
{
	my ($name, $kid) = @_;

	make_key($name, '-algorithm', 'ED25519');
	my $der = `openssl pkey -in $dir/$name.pem -pubout -outform DER`;
	return { kty => 'OKP', crv => 'Ed25519', kid => $kid, x => encode_base64url(substr($der, -32)) };
}

my ($first, $second) = (edwards_jwk('ed1', '2026-01'), edwards_jwk('ed2', '2026-02'));
write_set({ keys => [ $first, { kty => 'oct', kid => 'mail', use => 'enc', k => 'AAAA' } ] });
is(answer(sign('ed1', 'EdDSA')), 'invalid_token', 'EdDSA before there is a key set');
$server->set('bugevents.jwks_file' => 'keys.jwks', 'bugevents.jwt_algorithms' => 'HS256,RS256,EdDSA');
BugEvents::Server::wait_until(sub { answer(sign('ed1', 'EdDSA', kid => '2026-01')) eq 'ready' }, 'the key set to be read');
pass('EdDSA with a key of the set');
is(answer(sign('ed1', 'EdDSA')), 'ready', 'the token need not name it');
is(answer(sign('other', 'RS256')), 'ready', 'the keys in PEM go on beside it');
is(answer(sign('ed2', 'EdDSA', kid => '2026-02')), 'invalid_token', 'a key that is not in the set yet');
my $holder = BugEvents::WebSocket->connect(port => $server->port, token => sign('ed1', 'EdDSA', kid => '2026-01'));
is($holder->next_json->{action}, 'ready', 'a connection by the first key');
write_set({ keys => [ $first, $second ] });
BugEvents::Server::wait_until(sub { answer(sign('ed2', 'EdDSA', kid => '2026-02')) eq 'ready' }, 'the second key');
is(answer(sign('ed1', 'EdDSA', kid => '2026-01')), 'ready', 'both hold while they overlap');
is(answer(sign('ed1', 'EdDSA', kid => '2026-02')), 'invalid_token', 'but not under each other\'s name');
write_set({ keys => [$second] });
BugEvents::Server::wait_until(sub { answer(sign('ed1', 'EdDSA', kid => '2026-01')) eq 'invalid_token' }, 'the first key to go');
is(answer(sign('ed2', 'EdDSA', kid => '2026-02')), 'ready', 'the second one stays');
$server->sql("INSERT INTO projects (name) VALUES ('rotated')");
is($_->next_event->{payload}{name}, 'rotated', 'a connection from before the rotation lives on') for $live, $holder;

for my $case (
	[ 'half a file', '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"', qr/key set for tokens could not be read/ ],
	[ 'a private key', { keys => [ { %$second, d => 'AAAA' } ] }, qr/key 1 is a private key/ ],
	[ 'nothing usable', { keys => [] }, qr/no usable key/ ])
{
	my ($name, $content, $complaint) = @$case;

	$log = $server->log_size;
	write_set($content);
	$server->wait_log($complaint, $log);
	is(answer(sign('ed2', 'EdDSA', kid => '2026-02')), 'ready', "a key set with $name is told, and the old one holds");
	unlike($server->log_since($log), qr/\Q$second->{x}\E/, '... without repeating it');
}

# A secret that could be guessed is none, nor one that is shorter than an algorithm's hash.
my $secret = $server->node->data_dir . '/short_secret';
append_to_file($secret, 'x' x 31 . "\n");
chmod 0600, $secret;
write_set({ keys => [$second] });
$log = $server->log_size;
$server->set('bugevents.jwt_secret_file' => 'short_secret');
$server->wait_log(qr/can't serve as configured: the secret for tokens could not be read: it needs 32 bytes/, $log);
my ($status, $output, $error) = $server->node->psql('postgres', q{SELECT bugevents.token('1')});
like($error, qr/ERROR:  the secret in file "short_secret" .* is shorter than 32 bytes.*HINT:  Make one with/s,
	'a short secret signs no token, and says why');
unlike($error, qr/xxx/, '... without showing it');
append_to_file($secret, 'xx');
$server->node->reload;
BugEvents::Server::wait_until(sub {
		my $token = $server->sql(q{SELECT bugevents.token('1')});
		answer($token) eq 'ready';
	}, 'the longer secret');
pass('a longer one does');
$log = $server->log_size;
$server->set('bugevents.jwt_algorithms' => 'HS256,HS512');
$server->wait_log(qr/can't serve as configured: the secret for tokens could not be read: it needs 64 bytes or more for what jwt_algorithms allows/, $log);
pass('a secret too short for HS512 is told when HS512 is asked for');
append_to_file($secret, 'x' x 32);
$server->node->reload;
BugEvents::Server::wait_until(sub {
		answer($server->token('1', alg => 'HS512', secret => slurp_file($secret))) eq 'ready';
	}, 'a secret for HS512');
pass('a longer one does for it');

# Without a key nobody can come in, and GET /ready says so: pg_upgrade leaves the file behind.
is(($server->http('/ready'))[0], 200, 'with keys it is ready');
$server->set('bugevents.jwks_file' => '', 'bugevents.jwt_key_file' => '', 'bugevents.jwt_secret_file' => 'left_behind');
$server->node->restart;
BugEvents::Server::wait_until(sub { (eval { ($server->http('/ready'))[1] } // '') =~ /^no key to check tokens with: .* the log says why$/ }, '/ready to say it');
is(($server->http('/ready'))[0], 503, 'without a key it is not');
like($server->log_since(0), qr/WARNING:  could not open file "left_behind" of bugevents\.jwt_secret_file/, '... and the log names the file');
rename $secret, $server->node->data_dir . '/left_behind' or die $!;
$server->node->reload;
BugEvents::Server::wait_until(sub { ($server->http('/ready'))[0] == 200 }, 'the key');
pass('... until there is one');

$server->node->stop;
done_testing();
