# PREPARE TRANSACTION keeps the events, COMMIT PREPARED publishes them once, in an
# order that respects visibility; ROLLBACK PREPARED publishes nothing.
use strict;
use warnings;
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('two_phase', conf => "max_prepared_transactions = 10\n");
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

# A session that is terminated in COMMIT PREPARED must not hold the stream up.
$ws = $server->connect('1');
prepare('held', insert('j'));
my $locker = $server->session;
$locker->query_safe('BEGIN; LOCK TABLE bugevents.journal_parted IN ACCESS EXCLUSIVE MODE');
my $committer = $server->session(on_error_stop => 0);
$committer->query_until(qr/go/, "\\echo go\nCOMMIT PREPARED 'held';\n");
my $waiting = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'COMMIT PREPARED%' AND wait_event_type = 'Lock'";
BugEvents::Server::wait_until(sub { $server->sql($waiting) ne '' }, 'COMMIT PREPARED to wait');
$server->sql("SELECT pg_terminate_backend(pid) FROM ($waiting) w");
$server->sql(join ';', insert('k'));
is_deeply(seen(), ['k'], 'a terminated COMMIT PREPARED lets the stream go on');
$locker->query_safe('ROLLBACK');
$locker->quit;
$server->sql("COMMIT PREPARED 'held'");
is_deeply(seen(), ['j'], '... and can be repeated');

$server->node->stop;
done_testing();
