# The carrier has nothing of PostgreSQL, and takes nothing with it when it dies.
use strict;
use warnings;
use BugEvents::Outside;
use BugEvents::Server;
use PostgreSQL::Test::Utils;
use Test::More;

# What somebody else needs in the server's environment.
local $ENV{AWS_SECRET_ACCESS_KEY} = 'for archive_command alone';
my $outside = BugEvents::Outside->start;
my $server = BugEvents::Server->start_new('carrier', conf => <<~"END");
	@{[ $outside->conf ]}
	bugevents.retry_delay = 20ms
	END
my $data = $server->node->data_dir;
sub worker { return eval { $server->sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'bugevents courier'") } // ''; }
sub deliver { $server->sql("SELECT bugevents.test_delivery('webhook')"); return; }
sub waiting { return eval { $server->sql("SELECT count(*) FROM bugevents.deliveries WHERE state IN ('waiting', 'sending')") } // 'none'; }

# It is in the middle of a delivery.
$outside->behave(hook => 'hold');
deliver();
BugEvents::Server::wait_until(sub { $outside->held }, 'a webhook to be under way');
my @carriers = $server->carrier_pids;
is(scalar(@carriers), 1, 'there is a carrier');
my ($carrier) = @carriers;

# Memory.
my $pattern = qr{/dev/zero|/SYSV|PostgreSQL\.\d|/dev/shm/PostgreSQL};
my $maps = slurp_file("/proc/$carrier/maps");
like($maps, qr/bugevents-carrier/, 'its memory map can be read');
unlike($maps, $pattern, 'no shared memory of PostgreSQL');
unlike($maps, qr{bin/postgres|bugevents\.so}, '... and none of its code');
like(slurp_file('/proc/' . $server->postmaster_pid . '/maps'), $pattern, '(the postmaster does have some: the pattern finds it)');

# What it may do, and whose it is.
my %status = slurp_file("/proc/$carrier/status") =~ /^(\w+):\s+(.*)$/mg;
is_deeply([ @status{qw(Seccomp NoNewPrivs PPid)} ], [ 2, 1, worker() ], 'system calls are filtered, no privileges can be got, and it is a child of the courier');
is((split / /, slurp_file("/proc/$carrier/stat") =~ s/^.*\) //sr)[3], $carrier, '... in a session of its own');
like(slurp_file("/proc/$carrier/limits"), qr/^Max core file size\s+1\s+1\s/m, 'it leaves no core file: 1 keeps it from those who collect them, too');

# Files: the ledger, the log, nothing.
my %files = map { m{/(\d+)$} ? ($1 => readlink) : () } glob "/proc/$carrier/fd/*";
is_deeply([ grep { m{^\Q$data\E/} } values %files ], ["$data/bugevents_courier.ledger"], 'of the data directory, the ledger only is open');
my $log = readlink('/proc/' . $server->postmaster_pid . '/fd/2');
is_deeply([ grep { m{^/} && !m{^\Q$data\E/} && $_ ne $log } values %files ], ['/dev/null'], '... and of all others none but the log and /dev/null');

# Sockets: to the outside, and pairs without a name.
my $tcp = slurp_file('/proc/net/tcp') . slurp_file('/proc/net/tcp6');
my $unix = slurp_file('/proc/net/unix');
my $web = sprintf '%04X', $outside->port('web');
my %sockets;
for my $inode (map { /^socket:\[(\d+)\]$/ ? $1 : () } values %files)
{
	my $kind = 'unknown';
	if ($tcp =~ /^\s*\d+: \S+ [0-9A-F]+:([0-9A-F]{4}) 01 (?:\S+ +){5}$inode /m) { $kind = $1 eq $web ? 'outside' : "port $1"; }
	elsif ($unix =~ /^\S+: \S+ \S+ \S+ \S+ \S+ +$inode(.*)$/m) { $kind = $1 =~ /\S/ ? "named$1" : 'pair'; }
	$sockets{$kind}++;
}
is_deeply([ sort keys %sockets ], [ 'outside', 'pair' ], 'no socket but to the outside and unnamed pairs: no database connection') or diag(explain(\%sockets));
is($sockets{outside}, 1, '... the one that it sends by');

# What it was told of is in its memory only.
is_deeply([ grep { !/^(?:LD_LIBRARY_PATH|LANG|LC_ALL|LC_CTYPE|TZ)=/ } split /\0/, slurp_file("/proc/$carrier/environ") ], [], 'the environment of the server is not its');
like(slurp_file('/proc/' . $server->postmaster_pid . '/environ'), qr/for archive_command/, '(which had something in it)');
for my $place (qw(environ cmdline))
{
	my $text = slurp_file("/proc/$carrier/$place");
	unlike($text, qr/geheim|wa-token|\Q@{[ $outside->secret ]}\E|\Q$server->{secret}\E/, "no secret in its $place");
}
$outside->behave;
BugEvents::Server::wait_until(sub { waiting() eq '0' }, 'it to be sent');

# It dies, again and again, in the middle of a delivery: nobody else does.
my $session = $server->session;
my $pid = $session->query_safe('SELECT pg_backend_pid()');
my %backends = $server->backends;
for my $signal (qw(KILL SEGV ABRT))
{
	my $offset = $server->log_size;
	my ($victim) = $server->carrier_pids;
	my $held = $outside->held;

	$outside->behave(hook => 'hold');
	deliver();
	BugEvents::Server::wait_until(sub { $outside->held > $held }, 'a webhook to be under way');
	$session->query_safe("BEGIN; INSERT INTO projects (name) VALUES ('$signal')");
	kill $signal, $victim;
	$server->wait_log(qr/bugevents carrier \(PID $victim\) ended with status \d+.*courier settled 1 delivery/s, $offset);
	$outside->behave;
	BugEvents::Server::wait_until(sub { waiting() eq '0' }, "it to be sent after SIG$signal");
	$session->query_safe('COMMIT');
	my @now = $server->carrier_pids;
	ok(@now == 1 && $now[0] != $victim, "after SIG$signal there is another carrier");
	is($session->query_safe('SELECT pg_backend_pid()'), $pid, '... the session is the same');
	my %now = $server->backends;
	is_deeply([ grep { ($now{$_} // '') ne $backends{$_} } keys %backends ], [], '... and so is every process of the server');
}
unlike($server->log_since(0), qr/terminating any other active server processes|all server processes terminated|PANIC|TRAP/, 'no crash-restart in the log');
is($server->sql("SELECT string_agg(name, ' ' ORDER BY id) FROM projects"), 'KILL SEGV ABRT', 'what was open was committed');

# It ends with the courier, and with the server, however that ends.
sub ends
{
	my ($what) = @_;
	my ($old) = $server->carrier_pids or die "no carrier: $what";

	return sub {
		BugEvents::Server::wait_until(sub { !BugEvents::Server::process_exists($old) }, "the carrier to end: $what");
		pass("the carrier ends: $what");
	};
}

my $check = ends('the courier is terminated');
kill 'TERM', worker();
$check->();
BugEvents::Server::wait_until(sub { $server->carrier_pids }, 'another one');
$session->quit;
for my $how (qw(fast immediate))
{
	$check = ends("$how shutdown");
	$server->node->stop($how);
	$check->();
	$server->node->start;
	deliver();
	BugEvents::Server::wait_until(sub { waiting() eq '0' }, 'it to be sent after the next start');
}
is(scalar($server->carrier_pids), 1, 'there is one again');
done_testing();
