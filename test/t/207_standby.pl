# A hot standby reads the journal in the order of the stream, and nothing before its
# time; promoted, it goes on with the stream.
use strict;
use warnings;
use BugEvents::Server;
use PostgreSQL::Test::Cluster;
use Test::More;

# Who sets synchronous_commit waits for a standby that never comes.
my $server = BugEvents::Server->start_new('primary', streaming => 1, conf => <<~'END');
	bugevents.retention_size = '3MB'
	max_prepared_transactions = 10
	synchronous_standby_names = 'nobody'
	synchronous_commit = local
	END
my $primary = $server->node;
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
chmod 0600, $standby->data_dir . '/jwt_secret';
my $port = PostgreSQL::Test::Cluster::get_free_port();
$standby->append_conf('postgresql.conf', "bugevents.port = $port\n");
$standby->start;
my $live = $server->connect('1');

# Everything up to now is decided, and the next transaction's row says so.
sub settle { return $server->events_before_fence($live); }

sub insert { return $server->sql("INSERT INTO projects (name, description) VALUES ('$_[0]', '" . 'x' x ($_[1] // 0) . "')"); }

# [seqs, names] of the projects' events behind a seq.
sub events
{
	my ($node, $since) = @_;
	my @rows = map { [ split /\|/ ] } split /\n/,
	  $node->safe_psql('postgres', "SELECT seq, payload->>'name' FROM bugevents.events($since, 1000000) WHERE type = 'project'");

	return [ [ map { $_->[0] } @rows ], [ map { $_->[1] } @rows ] ];
}

sub catch_up
{
	$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
	return;
}

# Nothing follows the last one; the primary's dispatcher says that it is complete.
insert($_) for qw(a b c);
settle();
my $seen;
BugEvents::Server::wait_until(sub { $seen = events($standby, 0); return @{ $seen->[1] } >= 3 }, 'all of them to be there');
is_deeply($seen->[1], [qw(a b c)], 'a standby reads what is complete');

# Several segments, of which the newest isn't the last one.
my $begin = $seen->[0][-1];
my $several = q{SELECT count(*) = 2 FROM (SELECT 1 FROM bugevents.journal_0 HAVING count(*) > 0
	UNION ALL SELECT 2 FROM bugevents.journal_1 HAVING count(*) > 0 UNION ALL SELECT 3 FROM bugevents.journal_2 HAVING count(*) > 0) s};
# Enough to close a segment, a third of retention_size, and too little for one to be dropped.
insert('large', 100_000) until $server->sql('SELECT pg_total_relation_size(\'bugevents.journal_0\') > 1100000') eq 't';
BugEvents::Server::wait_until(sub { insert('small'); return $server->sql($several) eq 't' }, 'another segment');
insert('d');
settle();
my $all = events($primary, $begin);
BugEvents::Server::wait_until(sub { $seen = events($standby, $begin); return $seen->[1][-1] eq 'd' }, 'all of them to be there');
is_deeply($seen->[0], $all->[0], 'the order is that of the stream');

# A transaction that has its seqs, and is not decided when a later one is there.
my $since = $seen->[0][-1];
settle();
$server->sql("BEGIN; INSERT INTO projects (name) VALUES ('slow'); PREPARE TRANSACTION 'slow'");
my $slow = $server->session(on_error_stop => 0);
my $pid = $slow->query_safe('SELECT pg_backend_pid()');
$slow->query_until(qr/go/, "\\echo go\nSET synchronous_commit = on;\nCOMMIT PREPARED 'slow';\n");
my $waits = "SELECT coalesce(wait_event = 'SyncRep', false) FROM pg_stat_activity WHERE pid = $pid";
ok($primary->poll_query_until('postgres', $waits), 'a transaction has its seqs, and is not committed yet');
insert($_) for qw(later last);
catch_up();
is_deeply(events($standby, $since)->[1], [], 'a standby returns nothing that comes after it');
is_deeply(events($primary, $since)->[1], [], '... and neither does the primary');
$server->sql("SELECT pg_cancel_backend($pid)");
my $announced = q{SELECT count(*) = 1 FROM bugevents.journal_parted};
ok($primary->poll_query_until('postgres', $announced) && $primary->poll_query_until('postgres', $waits), '... while it is announced');
$server->sql("SELECT pg_cancel_backend($pid)");
insert('next');
settle();
my $names;
BugEvents::Server::wait_until(sub { $names = events($standby, $since)->[1]; return ($names->[-1] // '') eq 'next' }, 'it to be decided');
is_deeply($names, [qw(slow later last next)], '... until it is decided');
$slow->quit;

# Promoted, it serves the same stream, and no seq is given twice.
my ($stream, $tip) = split /\|/, $server->sql('SELECT id, max(last_seq) FROM bugevents.stream, bugevents.journal GROUP BY id');
$since = $seen->[0][-1];
$server->sql("BEGIN; INSERT INTO projects (name) VALUES ('prepared'); PREPARE TRANSACTION 'prepared'");
catch_up();
$primary->stop;
$standby->promote;
my $promoted = bless { %$server, node => $standby, port => $port }, 'BugEvents::Server';
$promoted->wait_ready;
my $ws = $promoted->resume('1', $since, $stream);
$promoted->sql("INSERT INTO projects (name) VALUES ('promoted')");
$promoted->sql("COMMIT PREPARED 'prepared'");
my @got = grep { $_->{type} eq 'project' } $promoted->events_before_fence($ws);
is_deeply([ map { $_->{payload}{name} } @got ], [qw(slow later last next promoted prepared)], 'promoted, it goes on with the stream');
cmp_ok($got[-1]{seq}, '>', $tip, '... and gives no seq twice');
$standby->stop;
done_testing();
