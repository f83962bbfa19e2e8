# PREPARE TRANSACTION keeps the events, COMMIT PREPARED publishes them once, in an
# order that respects visibility; ROLLBACK PREPARED publishes nothing.
use strict;
use warnings;
use BugEvents::Server;
use Test::More;

# Who sets synchronous_commit waits for a standby that never comes.
my $server = BugEvents::Server->start_new('two_phase', conf => <<~'END');
	max_prepared_transactions = 10
	max_wal_senders = 4
	synchronous_standby_names = 'nobody'
	synchronous_commit = local
	END
my $ws = $server->connect('1');

# Only what this test inserts; a fence separates.
sub seen { return [ map { $_->{payload}{name} // $_->{action} } $server->events_before_fence($ws) ]; }

sub prepare
{
	my ($gid, @sql) = @_;

	$server->sql(join(";\n", 'BEGIN', @sql, "PREPARE TRANSACTION '$gid'"));
	return;
}

sub insert { return map { "INSERT INTO projects (name) VALUES ('$_')" } @_; }

prepare('plain', insert(qw(a b)));
is_deeply(seen(), [], 'nothing is published while it is prepared');
for my $move ('TABLE bugevents.journal_part', 'INDEX bugevents.journal_part_pkey')
{
	my (undef, undef, $error) = $server->node->psql('postgres', "SET lock_timeout = '100ms'; ALTER $move SET TABLESPACE pg_default");

	like($error, qr/ERROR:  canceling statement due to lock timeout/, "... and nobody moves what it was written to: $move");
}
$server->sql("COMMIT PREPARED 'plain'");
my @events = $server->events_before_fence($ws);
is_deeply([ map { $_->{payload}{name} } @events ], [qw(a b)], 'COMMIT PREPARED publishes, from another session');
is_deeply([ map { "$_->{tx}{n}/$_->{tx}{of}" } @events ], [qw(1/2 2/2)], '... as one transaction');

prepare('gone', insert('c'));
$server->sql("ROLLBACK PREPARED 'gone'");
is_deeply(seen(), [], 'ROLLBACK PREPARED publishes nothing');
is($server->sql('SELECT sum(n) FROM bugevents.journal_part'), 2, '... and keeps nothing');

prepare('levels', insert('d'), 'SAVEPOINT s', insert('lost'), 'ROLLBACK TO s',
	'SAVEPOINT t', insert('e'), 'RELEASE t', insert('f'));
$server->sql("COMMIT PREPARED 'levels'");
is_deeply(seen(), [qw(d e f)], 'savepoints hold');

prepare('large', 'SET LOCAL bugevents.spill_size = 64',
	"INSERT INTO projects (name) SELECT repeat('x', 100) || g FROM generate_series(1, 5000) g");
$server->sql("COMMIT PREPARED 'large'");
is(scalar @{ seen() }, 5000, 'a large one comes whole');

# Prepared transactions without events don't mind.
prepare('nothing', 'CREATE TABLE other (i int)', 'INSERT INTO other VALUES (1)');
$server->sql("COMMIT PREPARED 'nothing'");
is_deeply(seen(), [], 'one without events publishes nothing');
isnt($server->node->psql('postgres', "COMMIT PREPARED 'unknown'"), 0, 'an unknown name is an error');
isnt($server->node->psql('postgres', "BEGIN; COMMIT PREPARED 'unknown'"), 0, '... and so is a transaction block');

# Whoever can see its effects comes later.
prepare('cause', "UPDATE projects SET description = 'seen' WHERE name = 'a'");
$server->sql(<<~'END');
	COMMIT PREPARED 'cause';
	INSERT INTO projects (name) SELECT 'effect' FROM projects WHERE name = 'a' AND description = 'seen';
	END
is_deeply(seen(), [qw(a effect)], 'effects come after their cause');

# It is announced after what was committed between PREPARE and COMMIT PREPARED.
prepare('late', insert('late'));
$server->sql(join ';', insert('between'));
$server->sql("COMMIT PREPARED 'late'");
is_deeply(seen(), [qw(between late)], 'the order is that of the commits');

# Over a crash.
my $tip = $server->connect('1')->{ready}{payload}{seq};
my $stream = $server->sql('SELECT id FROM bugevents.stream');
prepare('crash', insert(qw(g h)));
$server->node->stop('immediate');
$server->node->start;
$server->wait_ready;
$server->sql("COMMIT PREPARED 'crash'");
$ws = $server->resume('1', $tip, $stream);
is_deeply(seen(), [qw(g h)], 'a prepared transaction survives a crash, and is published once');

# A crash between the announcement and the commit leaves an announcement that
# nobody hears; the next COMMIT PREPARED replaces it.
prepare('torn', insert('i'));
my $xid = $server->sql("SELECT transaction FROM pg_prepared_xacts WHERE gid = 'torn'");
$server->sql(<<~"END");
	WITH j AS (SELECT max(last_seq) + 1 AS seq FROM bugevents.journal),
		s AS (INSERT INTO bugevents.journal_0 SELECT seq, 1, 0, '$xid', now(), NULL FROM j)
	INSERT INTO bugevents.journal_parted SELECT '$xid', seq FROM j;
	END
$server->node->stop('immediate');
$server->node->start;
$server->wait_ready;
is($server->sql("SELECT count(*) FROM bugevents.events(0, 100000) WHERE payload->>'name' = 'i'"), 0,
	'an announcement without its commit is passed over');
$server->sql("COMMIT PREPARED 'torn'");
is($server->sql("SELECT count(*) FROM bugevents.events(0, 100000) WHERE payload->>'name' = 'i'"), 1,
	'... and replaced when the commit comes');

sub wait_for
{
	my ($pid, $event) = @_;

	return $server->node->poll_query_until('postgres',
		"SELECT coalesce(wait_event_type = '$event' OR wait_event = '$event', false) FROM pg_stat_activity WHERE pid = $pid");
}

# A session that begins to commit it; its process.
sub committer
{
	my ($gid, $synchronous_commit) = @_;
	my $session = $server->session(on_error_stop => 0);
	my $pid = $session->query_safe('SELECT pg_backend_pid()');

	$session->query_until(qr/go/, "\\echo go\nSET synchronous_commit = $synchronous_commit;\nCOMMIT PREPARED '$gid';\n");
	return ($session, $pid);
}

# One that waits for a lock has no seqs yet, one that fails gives them back, and one
# that is terminated with them in hand lets the stream go on.
$ws = $server->connect('1');
prepare('held', insert('j'));
my $locker = $server->session;
$locker->query_safe('BEGIN; LOCK TABLE bugevents.journal_parted IN ACCESS EXCLUSIVE MODE');
my ($committer, $pid) = committer('held', 'local');
ok(wait_for($pid, 'Lock'), 'COMMIT PREPARED waits for a lock');
$server->sql(join ';', insert('k'));
is_deeply(seen(), ['k'], '... and holds nothing up');
$locker->query_safe('ROLLBACK');
ok(wait_for($pid, 'Client'), '... until it is done');
is_deeply(seen(), ['j'], '... and publishes');
$committer->quit;

prepare('not mine', insert('l'));
$server->sql('CREATE ROLE another');
isnt($server->node->psql('postgres', "SET ROLE another; COMMIT PREPARED 'not mine'"), 0, 'COMMIT PREPARED fails');
$server->sql(join ';', insert('m'));
is_deeply(seen(), ['m'], '... and lets the stream go on');
$server->sql("COMMIT PREPARED 'not mine'");
is_deeply(seen(), ['l'], '... and can be repeated by who may');

prepare('terminated', insert('n'));
($committer, $pid) = committer('terminated', 'on');
ok(wait_for($pid, 'SyncRep'), 'COMMIT PREPARED waits, with its announcement committed');
$server->sql("SELECT pg_terminate_backend($pid)");
$server->sql(join ';', insert('o'));
is_deeply(seen(), [qw(n o)], '... terminated, it lets the stream go on');

# Another session commits it, too, late: it finds it prepared, and when it announces
# it, it was published already.
prepare('twice', insert('p'));
($committer, $pid) = committer('twice', 'on');
ok(wait_for($pid, 'SyncRep'), 'one COMMIT PREPARED announces');
$server->sql("SELECT pg_cancel_backend($pid)");
my $announced = q{SELECT count(*) = 1 FROM bugevents.journal_parted p JOIN pg_prepared_xacts x ON x.transaction = p.xid::xid};
ok($server->node->poll_query_until('postgres', $announced) && wait_for($pid, 'SyncRep'), '... and commits');
$locker->query_safe('BEGIN; LOCK TABLE bugevents.journal_0, bugevents.journal_1, bugevents.journal_2 IN SHARE MODE');
my ($late, $late_pid) = committer('twice', 'local');
BugEvents::Server::wait_until(
	sub { $server->sql("SELECT wait_event_type FROM pg_stat_activity WHERE pid = $late_pid") =~ /Lock|Client/ }, 'the other one');
$server->sql("SELECT pg_cancel_backend($pid)");
ok(wait_for($pid, 'Client'), 'the first one is done');
$locker->query_safe('ROLLBACK');
ok(wait_for($late_pid, 'Client'), '... and the other one');
is_deeply(seen(), ['p'], 'two COMMIT PREPARED of one transaction publish it once');
$late->query('SELECT 1');
like($late->{stderr}, qr/ERROR: .*"twice" (is busy|does not exist)/, '... and one of them fails');
$_->quit for $locker, $committer, $late;

$server->node->stop;
done_testing();
