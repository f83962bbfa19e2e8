# A gateway that dies takes nothing with it, and has nothing of PostgreSQL.
use strict;
use warnings;
use BugEvents::Server;
use Test::More;

# What somebody else needs in the server's environment.
local $ENV{AWS_SECRET_ACCESS_KEY} = 'for archive_command alone';
my $server = BugEvents::Server->start_new('containment');
my $node = $server->node;
my ($gateway) = $server->gateway_pids;
my $dispatcher = $server->dispatcher_pid;

# What the process has.
my $maps = PostgreSQL::Test::Utils::slurp_file("/proc/$gateway/maps");
like($maps, qr/bugevents-gateway/, 'its memory map can be read');
unlike($maps, qr{/dev/zero|/SYSV|PostgreSQL\.\d|/dev/shm/PostgreSQL}, 'no shared memory of PostgreSQL');
unlike($maps, qr{bin/postgres|bugevents\.so}, '... and none of its code');
my $postmaster_maps = PostgreSQL::Test::Utils::slurp_file('/proc/' . $server->postmaster_pid . '/maps');
like($postmaster_maps, qr{/dev/zero|/SYSV}, '(the postmaster does have some: the pattern finds it)');

my %files;
opendir(my $dir, "/proc/$gateway/fd") or die $!;
$files{$_} = readlink("/proc/$gateway/fd/$_") for grep { /^\d+$/ } readdir $dir;
my $data = $node->data_dir;
is_deeply([ grep { m{^\Q$data\E/(?!log)} } values %files ], [], 'no file of the data directory is open');
is_deeply([ grep { /io_uring/ } values %files ], [], 'no ring is open, whose work no filter would see');

# Sockets: the pipe, the listening socket, clients.  None is the server's.
my $tcp = PostgreSQL::Test::Utils::slurp_file('/proc/net/tcp');
my $unix = PostgreSQL::Test::Utils::slurp_file('/proc/net/unix');
my $port = sprintf '%04X', $server->port;
my ($listening, $pairs, $other) = (0, 0, 0);
for my $inode (map { /^socket:\[(\d+)\]$/ ? $1 : () } values %files)
{
	if ($tcp =~ /:$port [0-9A-F:]+ 0A (?:\S+ +){5}$inode /) { $listening++; }
	elsif ($tcp =~ / $inode /) { $other++; }
	elsif ($unix =~ /^\S+: \S+ \S+ \S+ \S+ \S+ +$inode(.*)$/m) { $1 =~ /\S/ ? $other++ : $pairs++; }
	else { $other++; }
}
is($listening, 1, 'one listening socket');
is($other, 0, 'no other: no database connection');
cmp_ok($pairs, '<=', 3, "unnamed pairs: the pipe, where sockets come from, and the event loop's ($pairs)");
like($files{$_}, qr/^pipe:/, "what it writes to descriptor $_ is read by the dispatcher, not by the log") for 1, 2;

my $environment = PostgreSQL::Test::Utils::slurp_file("/proc/$gateway/environ");
unlike($environment, qr/\Q$server->{secret}\E/, 'the secret is not in its environment');
unlike($environment, qr/AWS|for archive_command/, '... nor is anything of the server\'s');
my $arguments = PostgreSQL::Test::Utils::slurp_file("/proc/$gateway/cmdline");
unlike($arguments, qr/\Q$server->{secret}\E/, '... nor on its command line');
is(_ppid($gateway), $dispatcher, 'it is a child of the dispatcher');

sub _ppid
{
	my ($pid) = @_;

	return PostgreSQL::Test::Utils::slurp_file("/proc/$pid/status") =~ /^PPid:\s+(\d+)/m ? $1 : 0;
}

# Sessions that live through it all.
my $session = $server->session;
my $pid = $session->query_safe('SELECT pg_backend_pid()');
my $idle = $server->session;
my $idle_pid = $idle->query_safe('SELECT pg_backend_pid()');
my %backends = $server->backends;

for my $signal (qw(KILL SEGV ABRT))
{
	my $offset = $server->log_size;
	my ($victim) = $server->gateway_pids;
	my $ws = $server->connect('1');
	my ($stream) = $ws->{ready}{payload}{stream};
	my $last = $ws->{ready}{payload}{seq};

	# In mid-stream: a transaction is open, and events are on their way.
	$session->query_safe("BEGIN; INSERT INTO projects (name) VALUES ('open while $signal')");
	$server->sql("INSERT INTO projects (name) SELECT '$signal ' || g FROM generate_series(1, 500) g");
	my @got = map { $ws->next_event } 1 .. 100;
	kill $signal, $victim;

	# Read what still arrives, up to the end; a frame may be cut in two.
	eval { while (my $message = $ws->next_json) { push @got, $message; } };
	$server->sql("INSERT INTO projects (name) VALUES ('while it is away')");
	$session->query_safe('COMMIT');

	my @new = $server->wait_new_gateway($victim);
	isnt($new[0], $victim, "after SIG$signal there is another gateway");
	$server->wait_log(qr/gateway \d+.*signal|gateway.*signal/, $offset);

	my $again = $server->resume('1', $got[-1]{seq}, $stream);
	push @got, $server->events_before_fence($again);
	my $expected = $server->sql(
		"SELECT string_agg(seq::text, ',' ORDER BY seq) FROM bugevents.events($last, 100000) WHERE seq <= $got[-1]{seq}");
	is(join(',', map { $_->{seq} } @got), $expected, '... and the client went on without a gap, each once');
	ok((grep { ($_->{payload}{name} // '') eq "open while $signal" } @got), '... the open transaction included');
	$again->finish;

	is($session->query_safe('SELECT pg_backend_pid()'), $pid, '... the session is the same');
	is($idle->query_safe('SELECT pg_backend_pid()'), $idle_pid, '... the other one, too');
	my %now = $server->backends;
	is_deeply([ grep { ($now{$_} // '') ne $backends{$_} } keys %backends ], [],
		'... and so is every process of the server');
}
my $log = $server->log_since(0);
unlike($log, qr/terminating any other active server processes|all server processes terminated|PANIC|TRAP/,
	'no crash-restart in the log');

# A dispatcher that ends takes its gateway with it, and comes back.
{
	my ($old) = $server->gateway_pids;
	my $ws = $server->connect('1');

	$server->sql("SELECT pg_terminate_backend($dispatcher)");
	eval { $ws->wait_close };
	$server->wait_new_gateway($old);
	isnt($server->dispatcher_pid, $dispatcher, 'a terminated dispatcher is started again');
	ok(!BugEvents::Server::process_exists($old), '... its gateway is gone');
	is($session->query_safe('SELECT pg_backend_pid()'), $pid, '... the sessions are not');
}

# A fast shutdown says goodbye.
{
	my $ws = $server->connect('1');
	my @messages;

	$_->quit for $session, $idle;
	$node->stop('fast');
	is($ws->wait_close(undef, \@messages), 1012, 'a fast shutdown closes with 1012');
	is($ws->close_reason, 'shutting_down', '... and says why');
	$node->start;
	$server->wait_ready;
}

# An immediate one leaves no gateway behind, nor does the postmaster's death.
for my $how (qw(immediate kill9))
{
	my ($pid) = $server->gateway_pids;
	my $ws = $server->connect('1');

	$how eq 'kill9' ? $node->kill9 : $node->stop('immediate');
	BugEvents::Server::wait_until(sub { !BugEvents::Server::process_exists($pid) }, "the gateway to end after $how");
	pass("the gateway ends after $how");
	eval { $ws->wait_close };
	ok($ws->{eof}, '... and its connections');
	if ($how eq 'kill9')
	{
		# The dead postmaster may not be reaped yet, and then counts as alive.
		unlink $node->data_dir . '/postmaster.pid', $node->host . '/.s.PGSQL.' . $node->port . '.lock';
		BugEvents::Server::wait_until(sub { !grep { BugEvents::Server::process_exists($_) } keys %backends },
			'the processes of the killed postmaster to end');
	}
	$node->start;
	$server->wait_ready;
	ok($server->connect('1'), '... and all is well after the next start');
}

# Nothing in the module but what PostgreSQL calls can be taken for somebody else's.
my ($libdir) = PostgreSQL::Test::Utils::run_command([ 'pg_config', '--pkglibdir' ]);
my ($exported) = PostgreSQL::Test::Utils::run_command([ 'nm', '-D', '--defined-only', "$libdir/bugevents.so" ]);
my @symbols = sort map { (split ' ')[-1] } split /\n/, $exported;
ok((grep { $_ eq 'bugevents_attach' } @symbols), 'the module exports its SQL functions');
is(join(' ', grep { !/^(pg_finfo_)?bugevents_/ } @symbols), 'Pg_magic_func _PG_init', '... and nothing beside them that others may have');
done_testing();
