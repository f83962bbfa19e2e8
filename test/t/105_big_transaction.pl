# A transaction of 1,000,000 rows: complete, in order, and within bounds of memory.
use strict;
use warnings;
use BugEvents::Server;
use PostgreSQL::Test::Utils;
use Test::More;

my $rows = 1_000_000;
my $server = BugEvents::Server->start_new('big', conf => <<~'END');
	bugevents.window_size = '8MB'
	bugevents.queue_size = '1MB'
	max_wal_size = '4GB'
	END
my ($gateway) = $server->gateway_pids;
my $dispatcher = $server->dispatcher_pid;
my $live = $server->connect('1');
my $since = $live->{ready}{payload}{seq};
my $stream = $live->{ready}{payload}{stream};
my %before = map { $_ => BugEvents::Server::private_memory($_) } $gateway, $dispatcher;
my %most = %before;

# Memory is looked at while the events pass.
sub look
{
	for my $pid ($gateway, $dispatcher)
	{
		my $now = BugEvents::Server::private_memory($pid);
		$most{$pid} = $now if $now > $most{$pid};
	}
	return;
}

# Read $n events as text (decoding all of them would take longer than sending
# them) and check the numbers; returns the last seq.
sub read_all
{
	my ($ws, $n, $what) = @_;
	my ($bad, $last, $first_id) = (0, 0, undef);

	for my $i (1 .. $n)
	{
		my $text = $ws->next_text // last;
		my ($seq) = $text =~ /"seq":(\d+)/;
		my ($tx) = $text =~ /"tx":(\{[^}]*\})/;
		my ($id) = $text =~ /"payload":\{"id":(\d+)/;

		$bad++ if !defined $seq || ($last && $seq != $last + 1);
		$bad++ if $tx !~ /"n":$i\b/ || $tx !~ /"of":$n\b/;
		$first_id //= $id - 1;
		$bad++ if $id != $first_id + $i;
		$last = $seq;
		look() if $i % 10_000 == 0;
	}
	is($bad, 0, "$what: all events in order");
	return $last;
}

my $sql = "INSERT INTO projects (name, description) SELECT 'row ' || g, repeat('x', 100) FROM generate_series(1, $rows) g";
my $writer = $server->session;
$writer->query_safe($sql);
my $last = read_all($live, $rows, 'live');
is($last - $since >= $rows, 1, 'to the last');

$server->sql("INSERT INTO projects (name) VALUES ('after')");
is($live->next_event->{payload}{name}, 'after', 'the next transaction follows');

# A rollback of the same leaves nothing, a savepoint takes back its part.
$server->sql("BEGIN; $sql; ROLLBACK");
$server->sql(<<~'END');
	BEGIN;
	INSERT INTO projects (name) SELECT 'kept' FROM generate_series(1, 20000);
	SAVEPOINT s;
	INSERT INTO projects (name) SELECT 'never' FROM generate_series(1, 20000);
	ROLLBACK TO s;
	INSERT INTO projects (name) SELECT 'kept' FROM generate_series(1, 20000);
	COMMIT;
	END
my ($kept, $never, $n) = (0, 0, 0);
while (my $text = $live->next_text)
{
	$n++;
	$text =~ /"name":"kept"/ ? $kept++ : $never++;
	look() if $n % 10_000 == 0;
	last if $text =~ /"n":40000,/;
}
is($kept, 40_000, 'what a savepoint did not take back');
is($never, 0, '... and nothing else');

# The same again for a client that comes later: all of it is in the journal.
my $late = $server->resume('2', $since, $stream);
is(read_all($late, $rows, 'resumed'), $last, '... up to the same seq');
$late->drop;

# A client that reads nothing at all costs no memory, and another goes on.
my $asleep = $server->connect('3', rcvbuf => 4096);
$server->sql($sql =~ s/$rows/50000/r);
my $seen = 0;
$seen++ while $seen < 50_000 && $live->next_text;
is($seen, 50_000, 'a client that sleeps holds back no other');
look();
$server->sql("INSERT INTO projects (name) VALUES ('awake')");

# ... and when it reads again it has everything, or is told that it has not.
my ($count, $told) = (0, 0);
while (my $text = $asleep->next_text)
{
	$told = 1, last if $text =~ /resync_required/;
	last if $text =~ /"name":"awake"/;
	$count++;
}
ok($told || $count == 50_000, 'the sleeper gets everything: ' . ($told ? 'resync_required' : $count));

note("memory in kB, before and at most: gateway $before{$gateway} $most{$gateway}, dispatcher $before{$dispatcher} $most{$dispatcher}");
is(($server->gateway_pids)[0], $gateway, 'it is the same gateway');
is($server->dispatcher_pid, $dispatcher, '... and dispatcher');
cmp_ok($most{$gateway} - $before{$gateway}, '<', 64 * 1024, 'the gateway stayed within bounds');
cmp_ok($most{$dispatcher} - $before{$dispatcher}, '<', 64 * 1024, 'the dispatcher stayed within bounds');

# The session that wrote it holds nothing back either.
my $pid = $writer->query_safe('SELECT pg_backend_pid()');
cmp_ok(BugEvents::Server::private_memory($pid), '<', 64 * 1024, 'nor did the writer');
$writer->quit;
$_->drop for $live, $asleep;

# What it remembers until it commits: so many bytes for each row of a statement, and, where statements reach the bound
# beyond which a transaction is published in pieces, no more for another one.
$server->sql(<<~'END');
	CREATE TABLE small (id bigint, bug_report_id bigint, user_id bigint, content text, created_at timestamptz, updated_at timestamptz);
	SELECT bugevents.attach('small', 'comment');
	END

# By how many bytes a session's address space grew at most.
sub growth
{
	my ($before, $sql, $times) = @_;
	my $session = $server->session(on_error_stop => 1);
	my $status = '/proc/' . $session->query_safe('SELECT pg_backend_pid()') . '/status';
	my $peak = sub { slurp_file($status) =~ /^VmPeak:\s+(\d+) kB/m ? $1 * 1024 : die "no VmPeak in $status" };

	$session->query_safe("INSERT INTO small SELECT i FROM generate_series(1, 1000) i; $before");
	my $first = $peak->();
	$session->query_safe("BEGIN; " . ("$sql; " x $times) . "COMMIT;");
	my $grown = $peak->() - $first;

	$session->quit;
	return $grown;
}

my $insert = growth('', 'INSERT INTO small SELECT i FROM generate_series(1, 300000) i', 1);
my $update = growth('', "UPDATE small SET content = 'changed'", 1);
my $pieces = growth('SET bugevents.netting_limit = 10000', 'INSERT INTO small SELECT i FROM generate_series(1, 10000) i', 20);
note("bytes: INSERT $insert, UPDATE $update, in pieces $pieces");
cmp_ok($insert, '<', 100 * 300_000, '300,000 rows that are inserted: less than 100 bytes each');
cmp_ok($update, '<', 100 * 300_000, '... and that are updated');
cmp_ok($pieces, '<', 8 * 1024 * 1024, '200,000 in pieces of 10,000: as much as a piece takes');
$server->node->stop;
done_testing();
