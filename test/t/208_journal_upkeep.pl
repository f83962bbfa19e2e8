# What a DBA does to tables, done to the journal's while many write: no write is refused, nothing is lost.
use strict;
use warnings;
use BugEvents::Server;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;

my $server = BugEvents::Server->start_new('upkeep', conf => <<~'END');
	bugevents.retention = 1h
	max_prepared_transactions = 5
	END
my $folder = PostgreSQL::Test::Utils::tempdir();
my @tables = qw(journal_0 journal_1 journal_2 journal_part journal_parted);
my $tables = join ', ', map { "'$_'" } @tables;
my ($segment) = grep { $server->sql("SELECT count(*) FROM bugevents.$_") > 0 } @tables;
my $first = $server->connect('1');
my ($stream, $begin) = @{ $first->{ready}{payload} }{qw(stream seq)};

sub metric { return $server->sql(q{SELECT value FROM bugevents.stats WHERE name = 'bugevents_journal_slow_writes_total'}); }

# One small transaction and one that leaves parts.
sub insert
{
	$server->sql(q{INSERT INTO projects (name) VALUES ('one')});
	$server->sql(q{SET bugevents.spill_size = 64; INSERT INTO projects (name) SELECT 'many' FROM generate_series(1, 800)});
	return;
}

# The rows that each index leads to are those that are there.
sub indexes_are_right
{
	my ($what) = @_;

	$server->sql('CREATE EXTENSION IF NOT EXISTS amcheck');
	cmp_ok($server->sql(<<~"END"), '>=', 5, "$what: the indexes are right");
		SELECT count(bt_index_check(indexrelid, true)::text) FROM pg_index JOIN pg_class c ON c.oid = indrelid
		 WHERE c.relnamespace = 'bugevents'::regnamespace AND relname IN ($tables) AND indisready AND indisvalid
		END
	return;
}

#
# Each by itself
#

insert();
is(metric(), 0, 'as it is installed, the journal is written the fast way');

my $offset = $server->log_size;
$server->sql("CREATE INDEX more_$_ ON bugevents.$_ (xid)") for @tables;
$server->sql("CREATE INDEX expression_$_ ON bugevents.$_ ((xid::text)) WHERE xid IS NOT NULL") for @tables;
insert();
indexes_are_right('more indexes');
my $slow = metric();
cmp_ok($slow, '>', 0, '... are told by a metric');
insert();
is(scalar(() = $server->log_since($offset) =~ /writes table "bugevents\.journal_\w+" by the executor/g), 1, '... and once in the log');
$server->sql("DROP INDEX bugevents.more_$_, bugevents.expression_$_") for @tables;
$slow = metric();
insert();
is(metric(), $slow, 'without them the fast way is taken again');

# REINDEX CONCURRENTLY waits for those who write; cancelled then, it leaves an invalid index.
{
	my $writer = $server->session;

	$writer->query_safe("BEGIN; LOCK TABLE bugevents.$segment IN ROW EXCLUSIVE MODE");
	my $reindex = IPC::Run::start(
		[ 'psql', '-XAtq', '-d', $server->node->connstr('postgres'), '-c', "REINDEX TABLE CONCURRENTLY bugevents.$segment" ],
		'<', \undef, '>', \my $out, '2>', \my $error);
	BugEvents::Server::wait_until(sub { $server->sql(
		q{SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'REINDEX%' AND wait_event_type = 'Lock'}) }, 'REINDEX to wait');
	insert();
	pass('writes go on while REINDEX CONCURRENTLY waits');
	$server->sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'REINDEX%'});
	$reindex->finish;
	$writer->query_safe('COMMIT');
	$writer->quit;
	is($server->sql(qq{SELECT count(*) FROM pg_index WHERE NOT indisvalid AND indrelid = 'bugevents.$segment'::regclass}), 1, '... and is cancelled, which leaves an invalid index');
	insert();
	pass('... with which writes go on');
	$server->sql("DROP INDEX bugevents.${segment}_pkey_ccnew");
}

# A copy that a trigger keeps is complete: what pg_repack, and others like it, live by.
{
	$server->sql("CREATE TABLE copy_$_ (LIKE bugevents.$_)") for @tables;
	$server->sql(<<~"END") for @tables;
		CREATE FUNCTION copy_$_() RETURNS trigger LANGUAGE plpgsql AS \$\$
		BEGIN
			IF tg_op = 'INSERT' THEN INSERT INTO public.copy_$_ SELECT new.*;
			ELSE DELETE FROM public.copy_$_ c WHERE c = old;
			END IF;
			RETURN NULL;
		END \$\$;
		CREATE TRIGGER copy AFTER INSERT OR DELETE ON bugevents.$_ FOR EACH ROW EXECUTE FUNCTION copy_$_()
		END
	my $from = $server->sql('SELECT max(last_seq) FROM bugevents.journal');
	insert();
	$server->sql(q{BEGIN; INSERT INTO projects (name) VALUES ('prepared'); PREPARE TRANSACTION 'p'});
	$server->sql(q{COMMIT PREPARED 'p'});
	is($server->sql("SELECT count(*), sum(n) FROM copy_$segment"), $server->sql("SELECT count(*), sum(n) FROM bugevents.$segment WHERE last_seq > $from"),
		'triggers see each row of the journal');
	is($server->sql('SELECT sum(n) FROM copy_journal_part'), 801, '... and each part');
	is($server->sql('SELECT count(*) FROM copy_journal_parted'), 2, '... and what leads to them');
	$server->sql("DROP FUNCTION copy_$_() CASCADE; DROP TABLE copy_$_") for @tables;
}

# An index alone is moved: who writes waits for that all the same, and who doesn't own it is refused without waiting.
mkdir "$folder/space" or die $!;
$server->sql("CREATE TABLESPACE elsewhere LOCATION '$folder/space'");
my $at_once = sub { return qq{\n\\! PGOPTIONS='-c lock_timeout=200ms' psql -XAt -d '} . $server->node->connstr('postgres') . qq{' -c "$_[0]" 2>&1\n} };
$server->sql('CREATE ROLE stranger; GRANT USAGE ON SCHEMA bugevents TO stranger; GRANT CREATE ON TABLESPACE elsewhere TO stranger');
for my $move ("INDEX bugevents.${segment}_pkey SET TABLESPACE elsewhere", "TABLE bugevents.${segment}_pkey SET TABLESPACE pg_default",
	'INDEX ALL IN TABLESPACE pg_default SET TABLESPACE elsewhere', 'INDEX ALL IN TABLESPACE elsewhere SET TABLESPACE pg_default')
{
	like($server->sql("BEGIN; ALTER $move;" . $at_once->(q{INSERT INTO projects (name) VALUES ('moved')}) . 'COMMIT'), qr/lock timeout/, "ALTER $move: writes wait");
	unlike($server->sql("BEGIN; LOCK bugevents.$segment IN ROW EXCLUSIVE MODE;" . $at_once->("SET ROLE stranger; ALTER $move") . 'COMMIT'), qr/lock timeout/,
		'... and no stranger makes them');
}
insert();
indexes_are_right('indexes that were moved');

#
# Under load
#

append_to_file("$folder/load.sql", <<~'END');
	INSERT INTO projects (name) VALUES ('load');
	\if :many
	SET bugevents.spill_size = 64; INSERT INTO projects (name) SELECT 'load' FROM generate_series(1, 300);
	\endif
	END
my $before = $server->sql('SELECT count(*) FROM projects');
my $bystander = $server->connect('1');
my @load = map {
	IPC::Run::start([ 'pgbench', '-n', '-c', 3, '-T', 1000, '-R', $_->[0], '-D', "many=$_->[1]", '-f', "$folder/load.sql", $server->node->connstr('postgres') ],
		'<', \undef, '>', "$folder/out$_->[1]", '2>', "$folder/error$_->[1]")
} [ 50, 0 ], [ 1, 1 ];

sub under_load
{
	my ($what, $act) = @_;
	my $count = sub { return $server->sql(q{SELECT count(*) FROM projects WHERE name = 'load'}) };
	my $from = $count->();

	$act->();
	BugEvents::Server::wait_until(sub { $count->() > $from + 50 }, "writes to go on after $what");
	is(-s "$folder/error0", 0, "$what: no write is refused") or diag(slurp_file("$folder/error0"));
	indexes_are_right($what);
	return;
}

under_load('REINDEX', sub { $server->sql("REINDEX TABLE bugevents.$_") for @tables });
under_load('REINDEX CONCURRENTLY', sub { $server->sql("REINDEX TABLE CONCURRENTLY bugevents.$_") for @tables });
under_load('REINDEX SCHEMA CONCURRENTLY', sub { $server->sql('REINDEX SCHEMA CONCURRENTLY bugevents') });
under_load('CREATE INDEX CONCURRENTLY', sub { $server->sql("CREATE INDEX CONCURRENTLY more_$_ ON bugevents.$_ (xid)") for @tables });
under_load('VACUUM FULL', sub { $server->sql("VACUUM FULL bugevents.$_") for @tables });
under_load('CLUSTER', sub { $server->sql("CLUSTER bugevents.$_ USING ${_}_pkey") for @tables });
under_load('SET TABLESPACE', sub { $server->sql("ALTER TABLE bugevents.$_ SET TABLESPACE elsewhere") for @tables });
under_load('ALTER INDEX', sub { $server->sql("ALTER INDEX bugevents.${_}_pkey SET TABLESPACE elsewhere") for @tables });
under_load('DROP INDEX', sub { $server->sql("DROP INDEX bugevents.more_$_") for @tables });
SKIP:
{
	my $repack = $server->node->config_data('--bindir') . '/pg_repack';

	skip 'pg_repack is not installed', 2 if !-x $repack;
	$server->sql('CREATE EXTENSION pg_repack');
	under_load('pg_repack', sub {
		command_ok([ $repack, '--no-kill-backend', '-h', $server->node->host, '-p', $server->node->port, '-d', 'postgres', map { ('-t', "bugevents.$_") } @tables, 'notifications' ],
			'pg_repack of the journal');
		$server->sql('DROP EXTENSION pg_repack');
	});
}
$_->signal('TERM') for @load; # INT is ignored by what was started in the background
$_->finish for @load;

my $written = $server->sql('SELECT count(*) FROM projects') - $before;
is(scalar(grep { $_->{type} eq 'project' } $server->events_before_fence($bystander)), $written, 'the bystander got each event');

# What comes from the journal alone is the same.
$server->node->restart;
$server->wait_ready;
my $all = $server->sql('SELECT count(*) FROM projects');
my $late = $server->resume('1', $begin, $stream);
ok($late->{ready}{payload}{resumed}, 'a client resumes from the beginning');
my @events = grep { $_->{type} eq 'project' } $server->events_before_fence($late);
is(scalar @events, $all, '... and gets each event');
my %seen;
is(scalar(grep { $seen{ $_->{payload}{id} }++ } @events), 0, '... once');

$server->node->stop;
done_testing();
