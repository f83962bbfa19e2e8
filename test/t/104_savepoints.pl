# Transactions of many savepoints: memory stays within bounds, events are those
# that were not taken back, in order, whatever is in memory and whatever is not.
use strict;
use warnings;
use BugEvents::Server;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = BugEvents::Server->start_new('savepoints', conf => "max_wal_size = '4GB'\n");
my $ws = $server->connect('1');

sub memory
{
	my $pid = $_[0]->query_safe('SELECT pg_backend_pid()');

	return slurp_file("/proc/$pid/status") =~ /^RssAnon:\s+(\d+)/m ? $1 : die;
}

# All names up to a row that is written now, read as text: there are many.
sub names
{
	my @names;

	$server->sql("INSERT INTO projects (name) VALUES ('fence')");
	while (my $text = $ws->next_text)
	{
		my ($name) = $text =~ /"name":"([^"]*)"/;

		last if $name eq 'fence';
		push @names, $name;
	}
	return \@names;
}

# A loop of subtransactions with these statements in each, while a session holds
# at most 64 kB: how its memory grew, and which names arrived.
sub loop
{
	my ($times, $statements) = @_;
	my $session = $server->session;

	$session->query_safe('SET bugevents.spill_size = 64');
	$session->query_safe("INSERT INTO projects (name) VALUES ('warm')");
	my $before = memory($session);
	$session->query_safe(<<~"END");
		BEGIN;
		DO \$\$
		BEGIN
			FOR i IN 1 .. $times LOOP
				BEGIN
					$statements
				EXCEPTION WHEN division_by_zero THEN NULL;
				END;
			END LOOP;
		END \$\$;
		END
	my $grown = memory($session) - $before;
	$session->query_safe('COMMIT');
	$session->quit;
	my $names = names();
	is(shift @$names, 'warm', '(the stream goes on)');
	return ($grown, $names);
}

my $insert = "INSERT INTO projects (name, description) VALUES (i::text, repeat('x', 500));";
my $rows = 20_000;

my ($grown, $names) = loop($rows, $insert);
cmp_ok($grown, '<', 4096, "a loop of subtransactions: memory grows by $grown kB");
is_deeply($names, [ 1 .. $rows ], '... and all events arrive, in order');

($grown, $names) = loop($rows, "$insert PERFORM 1 / (i % 2);");
cmp_ok($grown, '<', 4096, "every other one rolled back: memory grows by $grown kB");
is_deeply($names, [ grep { $_ % 2 } 1 .. $rows ], '... and the others arrive');

# Each writes parts of its own and leaves a rest.
($grown, $names) = loop(200, "INSERT INTO projects (name, description) SELECT i || '.' || g, repeat('x', 500) FROM generate_series(1, 100) g;
	PERFORM 1 / (i % 3);");
cmp_ok($grown, '<', 4096, "larger subtransactions: memory grows by $grown kB");
is_deeply($names, [ map { my $i = $_; map { "$i.$_" } 1 .. 100 } grep { $_ % 3 } 1 .. 200 ], '... and arrive in order');

# What a session may hold is more than a gateway takes at once.
$server->sql(<<~'END');
	SET bugevents.spill_size = '256MB';
	INSERT INTO projects (name, description) SELECT g, repeat('x', 1000000) FROM generate_series(1, 140) g;
	END
is($server->sql('SELECT events IS NULL FROM bugevents.journal ORDER BY last_seq DESC LIMIT 1'), 't',
	'a transaction that is large, and smaller than spill_size, is in parts');
is_deeply(names(), [ 1 .. 140 ], '... and arrives');

# RELEASE brings together what two levels hold, and there is no memory for it.  The
# subtransaction is committed by then, and can't be taken back any more.
{
	my $session = $server->session;
	my $lock = $server->session;
	my $pid = $session->query_safe('SELECT pg_backend_pid()');
	my $rows = "INSERT INTO projects (name, description) SELECT '%s', repeat('x', 1000000) FROM generate_series(1, 40)";

	$lock->query_safe('SELECT pg_advisory_lock(1)');
	$session->query_until(qr/go/, "\\echo go\nSET bugevents.spill_size = '256MB';\nSET client_min_messages = error;\nBEGIN;\n" . sprintf(<<~"END", 'outer', 'inner'));
		DO \$\$
		BEGIN
			$rows;
			BEGIN
				$rows;
				PERFORM pg_advisory_lock(1);
			EXCEPTION WHEN OTHERS THEN
				INSERT INTO projects (name) VALUES ('taken back');
			END;
		END \$\$;
		END
	ok($server->node->poll_query_until('postgres',
			"SELECT coalesce(wait_event = 'advisory', false) FROM pg_stat_activity WHERE pid = $pid"), 'a subtransaction before its end');
	my ($kb) = slurp_file("/proc/$pid/status") =~ /^VmSize:\s+(\d+)/m;
	system_or_bail('prlimit', '--pid', $pid, '--as=' . ($kb + 8 * 1024) * 1024 . ':');
	$lock->query_safe('SELECT pg_advisory_unlock(1)');
	$session->query_safe('SELECT 1');
	system_or_bail('prlimit', '--pid', $pid, '--as=unlimited:');
	$session->query_safe('COMMIT');
	my $there = [ split /\n/, $server->sql("SELECT name FROM projects WHERE name IN ('outer', 'inner', 'taken back') ORDER BY id") ];
	is_deeply($there, [ ('outer') x 40, ('inner') x 40 ], '... which does not fail');
	is_deeply(names(), $there, '... and publishes both');
}
done_testing();
