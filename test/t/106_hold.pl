# What holds up later deliveries while a transaction commits doesn't grow with it:
# counted in WAL records between its last part and its commit.
use strict;
use warnings;
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('hold', conf => "bugevents.spill_size = '64kB'\nmax_wal_size = '2GB'\n");
$server->sql('CREATE EXTENSION pg_walinspect');

# [records of the transaction behind its last part, parts] of an INSERT of so many rows.
sub held
{
	my ($rows) = @_;
	my $from = $server->sql('SELECT pg_current_wal_insert_lsn()');
	my $xid = $server->sql("INSERT INTO projects (name) SELECT 'p' FROM generate_series(1, $rows) RETURNING xmin") =~ s/\n.*//sr;
	my $parts = join '|', split /\n/, $server->sql(<<~'END');
		SELECT pg_relation_filenode(oid) FROM pg_class WHERE relname IN ('journal_part', 'journal_part_pkey')
		END
	my @records = split /\n/, $server->sql(<<~"END");
		SELECT resource_manager || ' ' || record_type || ' ' || coalesce(block_ref, '')
		FROM pg_get_wal_records_info('$from', pg_current_wal_flush_lsn()) WHERE xid = '$xid' ORDER BY start_lsn
		END
	my $behind = 0;

	for my $record (reverse @records)
	{
		last if $record =~ m{rel \d+/\d+/(?:$parts)\b};
		$behind++;
	}
	like($records[-1], qr/^Transaction COMMIT/, "$rows rows: " . @records . ' records, the last is the commit');
	return [ $behind, scalar grep { m{rel \d+/\d+/(?:$parts)\b} } @records ];
}

held(2000);		# pages are there from now on
my ($small, $middle, $large) = map { held($_) } 2000, 20_000, 200_000;
cmp_ok($large->[1], '>', 50 * $small->[1], "parts are written as the transaction goes: $small->[1], $middle->[1], $large->[1] records");
cmp_ok($_->[0], '<=', 8, "... and behind the last one come $_->[0] records") for $small, $middle, $large;
is_deeply([ $middle->[0], $large->[0] ], [ $small->[0], $small->[0] ], '... as many for a large one as for a small one');

# Nor is a lock waited for meanwhile.
my $ws = $server->connect('1');
my $locker = $server->session;
my $writer = $server->session;
my $pid = $writer->query_safe('SELECT pg_backend_pid()');

$locker->query_safe('BEGIN; LOCK TABLE bugevents.journal_parted IN SHARE MODE');
$writer->query_until(qr/go/, "\\echo go\nINSERT INTO projects (name) SELECT 'large' FROM generate_series(1, 2000);\n");
ok($server->node->poll_query_until('postgres',
		"SELECT coalesce(wait_event_type = 'Lock', false) FROM pg_stat_activity WHERE pid = $pid"), 'the commit of a large one waits for a lock');
$server->sql("INSERT INTO projects (name) VALUES ('small')");
is($ws->next_event->{payload}{name}, 'small', '... and others are delivered');
$locker->query_safe('ROLLBACK');
$writer->query_safe('SELECT 1');
is(scalar(grep { $_->{payload}{name} eq 'large' } $server->events_before_fence($ws)), 2000, '... and then the large one');
$_->quit for $locker, $writer;
done_testing();
