# No token and no secret is to be found anywhere it doesn't belong: with the log at its
# most talkative, tokens by every route, good ones and bad ones, and keys that can't be
# used, everything that can be read is searched.
use strict;
use warnings;
use BugEvents::Server;
use File::Find;
use MIME::Base64 qw(encode_base64 encode_base64url);
use PostgreSQL::Test::Utils;
use Test::More;

my $server = BugEvents::Server->start_new('secrets', conf => <<~'END');
	log_min_messages = debug5
	log_min_error_statement = debug5
	log_error_verbosity = verbose
	log_connections = on
	log_statement = all
	bugevents.gateways = 2
	END
my $data = $server->node->data_dir;

#
# What must not be found: token signatures and secrets, as they are and encoded
#

my @shown;			# tokens
my %secrets = (jwt_secret => $server->{secret});

sub shown { push @shown, $_[0]; return $_[0]; }

sub needles
{
	my %found;

	# The header and the claims of a token are no secret, the signature makes it one.
	$found{ (split /\./)[2] } = 'a token' for grep { /\..*\./ } @shown;
	for my $name (keys %secrets)
	{
		my $secret = $secrets{$name};

		$found{$secret} = $found{ encode_base64($secret, '') } = $found{ encode_base64url($secret) }
		  = $found{ unpack('H*', $secret) } = $name;
	}
	return %found;
}

#
# Tokens by every route
#

my @refused = (
	shown($server->token('1', secret => 'another secret, thirty-two bytes at least')),
	shown($server->token('1', ttl => -1000)),
	shown($server->token('1', claims => { sub => undef })),
	shown($server->token('1', header => { alg => 'none' })),
	shown($server->token('1', header => { crit => ['x'] })),
	shown($server->token('1', claims => { pad => 'x' x 9000 })),
	shown('nonsense.nonsense.' . 'nonsense' x 5));
my @answers;

for my $via (qw(query header subprotocol))
{
	my $good = shown($server->token("good-$via"));
	my $ws = BugEvents::WebSocket->connect(port => $server->port, token => $good, via => $via);

	push @answers, $ws->next_json;
	is($answers[-1]{action}, 'ready', "a good token by $via");
	for my $bad (@refused)
	{
		my $other = BugEvents::WebSocket->connect(port => $server->port, token => $bad, via => $via);
		my @messages;

		$other->wait_close(undef, \@messages);
		push @answers, @messages, $other->close_reason;
	}
	for my $token (@refused, shown($server->token('another')), shown($server->token("good-$via")))
	{
		$ws->send_json({ type => 'authenticate', id => 1, payload => { token => $token } });
		push @answers, $ws->wait_for(sub { defined $_[0]{id} });
	}
	$ws->send_json({ type => "bearer.$refused[0]", id => 2 });
	push @answers, $ws->wait_for(sub { ($_[0]{id} // '') eq '2' });
}
push @answers, ($server->http("/no/such/path?token=$_"))[1], ($server->http("/ws?token=$_"))[1],
  ($server->http('/metrics', headers => [ "Authorization: Bearer $_", 'X-Forwarded-For: 192.0.2.1' ]))[1]
  for @refused, shown($server->token('9', role => 'admin'));
BugEvents::WebSocket->http(port => $server->port, path => '/', method => "BREAK?token=$_") for $refused[0];

# A token that the server signed; a user looks for the secret.
shown($server->sql(q{SELECT bugevents.token('1')}));

#
# Keys that can't be used
#

my $log = $server->log_size;

sub file
{
	my ($name, $content) = @_;

	unlink "$data/$name";
	append_to_file("$data/$name", $content);
	chmod 0600, "$data/$name";
	$secrets{$name} = $content =~ s/\n\z//r if length $content > 8;
	return;
}

# All of these did.
sub complained
{
	$server->wait_log(qr/$_ can't serve as configured/, $log) for @_;
	$log = $server->log_size;
	return;
}

file('broken.pem', "-----BEGIN PUBLIC KEY-----\nbm90IGEga2V5IGF0IGFsbCwgYnV0IHNlY3JldA==\n-----END PUBLIC KEY-----\n");
file('broken.jwks', '{"keys":[{"kty":"oct","k":"dG9vIHNob3J0LCBidXQgYSBzZWNyZXQ"},{"kty":"oct" "k"}]}');
file('short', "tiny secret\n");
file('tls.key', "-----BEGIN PRIVATE KEY-----\nYSBwcml2YXRlIGtleSB0aGF0IGlzIG5vbmU=\n-----END PRIVATE KEY-----\n");
file('tls.crt', "-----BEGIN CERTIFICATE-----\nbm8gY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n");
$secrets{"in $_->[0]"} = $_->[1] for [ 'broken.pem', 'bm90IGEga2V5IGF0IGFsbCwgYnV0IHNlY3JldA==' ],
  [ 'broken.jwks', 'dG9vIHNob3J0LCBidXQgYSBzZWNyZXQ' ], [ 'tls.key', 'YSBwcml2YXRlIGtleSB0aGF0IGlzIG5vbmU=' ];
for my $setting ([ jwt_key_file => 'broken.pem' ], [ jwks_file => 'broken.jwks' ], [ jwt_secret_file => 'short' ])
{
	$server->set("bugevents.$setting->[0]" => $setting->[1]);
	complained('verifier');
	$server->set("bugevents.$setting->[0]" => $setting->[0] eq 'jwt_secret_file' ? 'jwt_secret' : '');
}
$server->set('bugevents.tls_key_file' => 'tls.key', 'bugevents.tls_cert_file' => 'tls.crt');
complained('gateway 1', 'gateway 2');
pass('keys and a certificate that can\'t be used are complained about');
push @answers, ($server->node->psql('postgres', q{SELECT bugevents.token('1', claims => '[]')}))[2];

#
# The search
#

my %needles = needles();

# What is found in a text, by name.
sub search
{
	my ($text) = @_;

	return join ', ', sort map { $needles{$_} } grep { index($text, $_) >= 0 } keys %needles;
}

sub found_in { my ($where, $text) = @_; return is(search($text), '', "nothing in $where"); }

cmp_ok(scalar keys %needles, '>', 40, 'there is something to be looked for');
is(search("x$shown[-1]y" . encode_base64(slurp_file("$data/jwt_secret") =~ s/\n//r, '')), 'a token, jwt_secret', '... and it would be found');

my %backends = $server->backends;
my @processes = ($server->postmaster_pid, $server->gateway_pids, keys %backends);
found_in('the answers', JSON::PP->new->allow_nonref->encode(\@answers));
found_in('the arguments of the processes', join '', map { eval { slurp_file("/proc/$_/cmdline") } // '' } @processes);
found_in('their environment', join '', map { eval { slurp_file("/proc/$_/environ") } // '' } @processes);

# Everything that SQL shows a superuser, but files and tables of his own.
my $relations = $server->sql(q{SELECT string_agg(format('SELECT %L || t::text FROM %s t', c.oid::regclass, c.oid::regclass), E'\n' ORDER BY c.oid) FROM pg_class c
	WHERE relnamespace IN ('bugevents'::regnamespace, 'public'::regnamespace) AND relkind IN ('r', 'v')
	OR c.oid IN ('pg_stat_activity'::regclass, 'pg_settings'::regclass, 'pg_file_settings'::regclass, 'pg_stat_ssl'::regclass, 'pg_prepared_statements'::regclass)});
cmp_ok(scalar(split /\n/, $relations), '>', 15, 'many relations');
found_in('what SQL shows', join "\n", map { $server->sql($_) } split /\n/, $relations);

# Everything on disk.
$server->node->stop;
my $files = 0;
find({ no_chdir => 1, wanted => sub {
			my $name = substr($_, length($data) + 1);

			# But the files themselves.
			return if !-f || $secrets{$name} || $name =~ /^(?:jwt_secret|short)$/;
			$files++;
			my $found = search(slurp_file($_));
			fail("$found in $name") if $found;
		} }, $data);
cmp_ok($files, '>', 500, 'nothing in the files of the server');
found_in('the log at debug5', $server->log_since(0));
done_testing();
