# One order for all: by row, by cause and by journal, under many writers.
use strict;
use warnings;
use BugEvents::Server;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = BugEvents::Server->start_new('ordered', conf => "max_wal_senders = 4\n");
my $node = $server->node;

# description counts the versions of a row.  Odd rows are only counted up; even
# rows note which version of their neighbour they saw: that must come later.
$server->sql("INSERT INTO projects (name, description) SELECT 'row ' || g, '0' FROM generate_series(1, 10) g");
my $scripts = PostgreSQL::Test::Utils::tempdir();
append_to_file("$scripts/count.sql", <<~'END');
	\set id random(0, 4) * 2 + 1
	UPDATE projects SET description = (description::int + 1)::text WHERE id = :id;
	END
append_to_file("$scripts/see.sql", <<~'END');
	\set id random(0, 4) * 2 + 1
	UPDATE projects SET description = (description::int + 1)::text,
		name = :id || ' ' || (SELECT description FROM projects WHERE id = :id) WHERE id = :id + 1;
	END
append_to_file("$scripts/several.sql", <<~'END');
	\set id random(0, 4) * 2 + 1
	BEGIN;
	UPDATE projects SET description = (description::int + 1)::text WHERE id = :id;
	SAVEPOINT s;
	INSERT INTO projects (name) VALUES ('never');
	ROLLBACK TO s;
	INSERT INTO comments (content, bug_report_id) VALUES ('one', 1);
	COMMIT;
	END
append_to_file("$scripts/never.sql", <<~'END');
	\set id random(0, 4) * 2 + 1
	BEGIN;
	UPDATE projects SET description = '-1' WHERE id = :id;
	ROLLBACK;
	END
$server->sql("INSERT INTO bug_reports (title) VALUES ('b')");

sub check_run
{
	my ($what, @options) = @_;
	my $ws = $server->connect('1');
	my $other = $server->connect('2');
	my $since = $ws->{ready}{payload}{seq};
	my %version = map { split /\|/ } split /\n/, $server->sql('SELECT id, description FROM projects WHERE id <= 10');

	{
		local %ENV = $node->_get_env;
		command_ok([ 'pgbench', '-n', '-c', 16, '-j', 2, '-t', 150, '-M', 'prepared', @options,
				map({ ('-f', $_) } "$scripts/count.sql\@4", "$scripts/see.sql\@4", "$scripts/several.sql\@2", "$scripts/never.sql\@1"),
				'postgres' ], "$what: 16 writers");
	}
	my $mark = $server->fence;
	my @events = $server->events_before_fence($ws, $mark);
	my ($disorder, $causal, $checks, $aborted, $split) = (0) x 5;
	my ($last_seq, $tx) = ($since, undef);

	for my $event (@events)
	{
		my $payload = $event->{payload};

		$disorder++ if $event->{seq} <= $last_seq;
		$last_seq = $event->{seq};

		# Contiguous: inside a transaction n goes up by one and seq, too.
		if ($tx && $tx->{n} < $tx->{of})
		{
			$split++ if $event->{tx}{id} ne $tx->{id} || $event->{tx}{n} != $tx->{n} + 1;
		}
		else { $split++ if $event->{tx}{n} != 1; }
		$tx = $event->{tx};

		next if $event->{type} ne 'project';
		$aborted++ if $payload->{name} eq 'never' || $payload->{description} eq '-1';
		$disorder++ if $payload->{description} != ++$version{ $payload->{id} };
		if ($payload->{name} =~ /^(\d+) (\d+)$/)
		{
			$checks++;
			$causal++ if $version{$1} < $2;
		}
	}
	cmp_ok(scalar(@events), '>', 1000, '... events: ' . @events);
	is($disorder, 0, '... every version of every row, in order');
	cmp_ok($checks, '>', 100, "... pairs of cause and effect: $checks");
	is($causal, 0, '... none in the wrong order');
	is($aborted, 0, '... nothing of what was rolled back');
	is($split, 0, '... transactions in one piece');
	is_deeply({ map { split /\|/ } split /\n/, $server->sql('SELECT id, description FROM projects WHERE id <= 10') },
		{ map { $_ => $version{$_} } grep { $_ <= 10 } keys %version }, '... up to the table\'s state');
	is(join(',', map { $_->{seq} } @events),
		$server->sql("SELECT string_agg(seq::text, ',' ORDER BY seq) FROM bugevents.events($since, 1000000) WHERE seq <= $last_seq"),
		'... delivered is what the journal holds');
	is(join(',', map { $_->{seq} } $server->events_before_fence($other, $mark)), join(',', map { $_->{seq} } @events),
		'... and everyone sees the same');
	$_->finish for $ws, $other;
	return;
}

check_run('synchronous_commit on');
$node->append_conf('postgresql.conf', "synchronous_commit = off\n");
$node->reload;
check_run('synchronous_commit off');
$node->append_conf('postgresql.conf', "synchronous_commit = on\n");
$node->reload;
check_run('serializable and simple protocol', '-M', 'simple', '--max-tries=100');

# A commit that waits for a standby that never comes holds back no other commit;
# its events, and what comes after them, wait until it is decided.
{
	my $ws = $server->connect('1');
	my $slow = $server->session;
	my $pid = $slow->query_safe('SELECT pg_backend_pid()');

	$node->append_conf('postgresql.conf', "synchronous_standby_names = 'nobody'\n");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT setting <> '' FROM pg_settings WHERE name = 'synchronous_standby_names'");
	$slow->query_until(qr/begun/, "SET synchronous_commit = on;\n\\echo begun\nINSERT INTO projects (name) VALUES ('slow');\n");
	ok($node->poll_query_until('postgres',
			"SELECT wait_event = 'SyncRep' FROM pg_stat_activity WHERE pid = $pid"), 'one session waits inside its COMMIT');
	for my $i (1 .. 5)
	{
		$server->sql("SET synchronous_commit = local; INSERT INTO projects (name) VALUES ('quick $i')");
	}
	is($server->sql("SELECT wait_event FROM pg_stat_activity WHERE pid = $pid"), 'SyncRep',
		'others commit while it still waits');
	is($server->sql("SELECT count(*) FROM projects WHERE name = 'slow'"), 0, '... and nobody sees its row');
	$node->append_conf('postgresql.conf', "synchronous_standby_names = ''\n");
	$node->reload;
	my @names = map { $ws->next_event->{payload}{name} } 1 .. 6;
	is_deeply([ sort @names ], [ sort 'slow', map { "quick $_" } 1 .. 5 ], 'all arrive once it is decided');
	is_deeply([ grep { /quick/ } @names ], [ map { "quick $_" } 1 .. 5 ], '... in order');
	$slow->quit;
}
done_testing();
