# What is suspicious is in the log, in a table and in the counters: bounded, and
# without secrets.
use strict;
use warnings;
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('security', conf => <<~'END');
	bugevents.trusted_proxies = '127.0.0.1'
	bugevents.handshake_rate = 0
	bugevents.auth_failure_rate = 0
	bugevents.security_event_rows = 40
	END

sub wait_until { return BugEvents::Server::wait_until(@_); }
sub rows { my ($where) = @_; return $server->sql("SELECT coalesce(sum(times), 0) FROM bugevents.security_events WHERE $where"); }
sub counted { my ($kind) = @_; return $server->sql("SELECT value FROM bugevents.stats WHERE name = 'bugevents_security_events_total' AND labels = 'kind=\"$kind\"'"); }

# Refused, and read to the end.
sub refused
{
	my ($user, %o) = @_;
	my $ws = $server->connect($user, raw => 1, %o);

	$ws->wait_close;
	return $ws->close_reason;
}

my $offset = $server->log_size;
is(refused('1', secret => 'another secret, which is as long as one has to be', headers => [ 'X-Forwarded-For: ' . '192.0.2.7' ]),
	'invalid_token', 'a bad token is refused');
$server->wait_log(qr/LOG:  bugevents security: kind=invalid_token address=192\.0\.2\.7 gateway=1 times=1$/m, $offset);
pass('... and in the log, with a stable prefix');
wait_until(sub { rows("kind = 'invalid_token' AND address = '192.0.2.7' AND gateway = 1") == 1 }, 'a row');
pass('... in the table');
is(counted('invalid_token'), 1, '... and counted');
is(refused('1', ttl => -1000), 'token_expired', 'an expired one');
wait_until(sub { rows("kind = 'expired_token'") == 1 }, 'a row');
is($server->sql("SELECT value FROM bugevents.stats WHERE name = 'bugevents_auth_failures_total' AND labels = 'reason=\"token_expired\"'"), 1,
	'failures to authenticate have a metric of their own');
is(($server->http('/.env'))[0], 404, 'a path that is not there');
wait_until(sub { rows("kind = 'unknown_path'") == 1 }, 'a row');

# An address that would break a line of the log, or SQL.
refused('1', secret => 'x' x 40, headers => [ 'X-Forwarded-For: ' . q{'; DROP TABLE users; --} ]);
wait_until(sub { rows("kind = 'invalid_token' AND address = '127.0.0.1'") == 1 }, 'the address of the proxy');
pass('what is no address is not taken for one');

# A flood: bounded in the log and in the table, all of it counted.
$offset = $server->log_size;
my $lines = 0;
for my $n (1 .. 400)
{
	my $ws = $server->connect('1', raw => 1, secret => 'x' x 40, headers => [ 'X-Forwarded-For: ' . '198.51.' . int($n / 200) . '.' . $n % 200 ]);
	$ws->wait_close;
}
wait_until(sub { counted('invalid_token') == 402 }, 'all to be counted');
pass('each of a flood is counted');
wait_until(sub { rows("kind = 'invalid_token' AND address IS NULL") > 0 }, 'the rest of the flood');
pass('those that are too many are told together, without their address');
$lines = () = $server->log_since($offset) =~ /bugevents security:/g;
cmp_ok($lines, '<=', 60, 'not each is a line of the log');
cmp_ok($server->sql('SELECT count(*) FROM bugevents.security_events'), '<=', 60, 'the table stays small');

# A kind that floods drowns no other, nor does an address.
my $far = 0;

sub scan { $server->http("/$_[0]", headers => [ 'X-Forwarded-For: 203.0.113.' . $_[1] ]); return; }

$offset = $server->log_size;
scan('.env', 1);
$server->wait_log(qr/security: kind=unknown_path address=203\.0\.113\.1 /, $offset);
pass('another kind is told while one floods');
scan("$_.php", 1) for 1 .. 100;
refused('', headers => [ 'X-Forwarded-For: 203.0.113.1' ], token => '');
$server->wait_log(qr/security: kind=missing_token address=203\.0\.113\.1 /, $offset);
pass('an address that floods with one is told for another, too');

$server->set('bugevents.security_event_rows', 5);
$far = 1;
wait_until(sub { scan('.git', ++$far); $server->sql('SELECT count(*) FROM bugevents.security_events') == 5 }, 'fewer rows');
pass('the bound can be lowered');

# Someone holds the table: nothing waits for it.
my $lock = $server->session;
$lock->query_safe('BEGIN; LOCK TABLE bugevents.security_events');
sub expired { return refused('1', ttl => -1000, headers => [ "X-Forwarded-For: 203.0.113.$_[0]" ]); }
$offset = $server->log_size;
expired(2);
$server->wait_log(qr/security: kind=expired_token address=203\.0\.113\.2 /, $offset);
my $ws = $server->connect('2');
$server->sql("INSERT INTO projects (name) VALUES ('meanwhile')");
is($ws->next_event->{payload}{name}, 'meanwhile', 'a lock on the table does not hold the stream up');
$lock->query_safe('ROLLBACK');
$lock->quit;
wait_until(sub { rows("kind = 'expired_token' AND address = '203.0.113.2'") == 1 }, 'the row that waited for the lock', sub {
		$server->sql("SELECT jsonb_agg(e) FROM bugevents.security_events AS e") . "\n" .
		$server->sql("SELECT backend_type, state, wait_event_type, wait_event, query_start, query FROM pg_stat_activity WHERE backend_type LIKE 'bugevents%'");
	});

# Once a client is told the other limit, the dispatcher has read both.
sub keep_rows
{
	my ($rows) = @_;

	$server->set('bugevents.security_event_rows' => $rows, 'bugevents.max_connections_per_user' => 500 + $rows);
	wait_until(sub { $server->connect('9')->{ready}{payload}{limits}{max_connections_per_user} == 500 + $rows }, 'the new limits');
	return;
}
keep_rows(0);
$offset = $server->log_size;
expired(3);
$server->wait_log(qr/security: kind=expired_token address=203\.0\.113\.3 /, $offset);
keep_rows(6);
expired(4);
wait_until(sub { rows("kind = 'expired_token' AND address = '203.0.113.4'") == 1 }, 'a row, when they are written again');
is(rows("kind = 'expired_token' AND address = '203.0.113.3'"), 0, '0 rows: none is written');

# Bad tokens are counted over all gateways.
$offset = $server->log_size;
$server->set('bugevents.auth_failure_rate', 10);
$server->set('bugevents.gateways', 2);
$server->wait_log(qr/bugevents gateway 2 .*listen/, $offset);
my %outcome;
my $begun = time;
$outcome{ refused('1', secret => 'x' x 40, headers => [ 'X-Forwarded-For: 198.18.0.1' ]) }++ for 1 .. 80;
cmp_ok($outcome{invalid_token}, '>=', 10, 'two gateways let so many bad tokens pass');
cmp_ok($outcome{invalid_token}, '<=', 13 + (time - $begun) / 6, '... and no more, together, but what came back meanwhile');
is($outcome{invalid_token} + $outcome{rate_limited}, 80, '... the others are told so');
$server->set('bugevents.auth_failure_rate', 0);

# Neither tokens nor secrets anywhere.
my $token = $server->token('1', secret => 'x' x 40);
my $stolen = BugEvents::WebSocket->connect(port => $server->port, token => $token);
$stolen->wait_close;
my $in = $server->connect('3', via => 'subprotocol');
my $log = $server->log_since(0);
unlike($log, qr/eyJ/, 'no token in the log');
unlike($log, qr/\Q$server->{secret}\E/, 'nor the secret');
for my $view (qw(connections stats security_events attachments))
{
	unlike($server->sql("SELECT string_agg(t::text, ' ') FROM bugevents.$view t"), qr/eyJ|\Q$server->{secret}\E/, "nor in bugevents.$view");
}
unlike($server->sql("SELECT string_agg(t::text, ' ') FROM pg_stat_activity t"), qr/eyJ|\Q$server->{secret}\E/, 'nor in pg_stat_activity');

# Who may read it.
$server->sql('CREATE ROLE someone LOGIN');
my ($rc, undef, $error) = $server->node->psql('postgres', 'SELECT * FROM bugevents.security_events', extra_params => [ '-U', 'someone' ]);
isnt($rc, 0, 'not everyone may read the table');
done_testing();
