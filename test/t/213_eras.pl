# A standby that is promoted while its primary goes on lacks what that one commits from then on, and
# of transactions that were under way some, in any order.  What it notes of the era that both share
# is how far a client of the primary may have come: nothing that is lost, and all that can be told.
use strict;
use warnings;
use BugEvents::Server;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = BugEvents::Server->start_new('primary', streaming => 1, conf => "max_wal_senders = 5\n");
my $primary = $server->node;
my $era = $server->sql('SELECT id FROM bugevents.stream');
$server->sql("INSERT INTO projects (name) SELECT 'p' || g FROM generate_series(1, 8) g");

# Some of these are rolled back when they have their seqs already.
my $script = $primary->basedir . '/writer.sql';
append_to_file($script, <<~'END');
	\set a random(1, 8)
	\set b random(1, 8)
	BEGIN ISOLATION LEVEL SERIALIZABLE;
	SELECT length(description) FROM projects WHERE id = :a;
	UPDATE projects SET description = random()::text WHERE id = :b;
	COMMIT;
	END

# The ends and counts of transactions, in their order.
sub rows {
	my ($node) = @_;
	return map { [ split /\|/ ] } split /\n/, $node->safe_psql('postgres', 'SELECT last_seq, n FROM bugevents.journal ORDER BY 1');
}

# How far all is decided by what the journal's rows say of those before them, and behind that without a
# gap: what was rolled back in a gap, or is to come there, only later rows tell.
sub decided {
	my ($node, $base) = @_;
	my $upto = $node->safe_psql('postgres', "SELECT max(low) FROM bugevents.journal WHERE last_seq <= $base");

	for my $row (grep { $_->[0] <= $base } rows($node)) {
		my ($last, $n) = @$row;
		$upto = $last if $last > $upto && $last - $n <= $upto;
	}
	return $upto;
}

for my $cut (1 .. 3) {
	$primary->backup("cut$cut", backup_options => [ '--checkpoint', 'fast' ]);
	my $standby = PostgreSQL::Test::Cluster->new("standby$cut");
	$standby->init_from_backup($primary, "cut$cut", has_streaming => 1);
	$standby->append_conf('postgresql.conf', 'bugevents.port = ' . PostgreSQL::Test::Cluster::get_free_port());
	chmod 0600, $standby->data_dir . '/jwt_secret';
	$standby->start;
	my $writers = IPC::Run::start([ 'pgbench', '-n', '-c', 6, '-T', 60, '--max-tries=1', '-f', $script, '-h', $primary->host, '-p', $primary->port, 'postgres' ],
		'>', \my $out, '2>', \my $err);
	my $before = $server->sql('SELECT max(last_seq) FROM bugevents.journal');
	BugEvents::Server::wait_until(sub { $standby->safe_psql('postgres', 'SELECT max(last_seq) FROM bugevents.journal') > $before + 50 * $cut }, 'the standby to be under way');
	$standby->promote;
	BugEvents::Server::wait_until(sub { $standby->safe_psql('postgres', "SELECT ended FROM bugevents.eras WHERE era = '$era'") eq 't' }, 'the era to end there');
	my $upto = $standby->safe_psql('postgres', "SELECT upto FROM bugevents.eras WHERE era = '$era'");
	my $after = $server->sql('SELECT max(last_seq) FROM bugevents.journal');
	BugEvents::Server::wait_until(sub { $server->sql('SELECT max(last_seq) FROM bugevents.journal') > $after + 20 }, 'the primary to go on');
	$writers->kill_kill;

	my %there = map { $_->[0] => 1 } rows($standby);
	my @lost = grep { !$there{ $_->[0] } } rows($primary);
	my $first_lost = $lost[0][0] - $lost[0][1] + 1;
	my ($last_common) = reverse grep { $_->[0] < $first_lost } rows($primary);
	cmp_ok($upto, '<', $first_lost, "cut $cut: no position is good that has what is lost");
	cmp_ok($upto, '>=', decided($standby, $lost[-1][0]), '... and each is that is known to have it all');
	note "upto $upto, first lost $first_lost, last before it $last_common->[0], " . @lost . ' lost, ' . (grep { $_ > $first_lost } keys %there) . ' behind it here';
	$standby->stop('immediate');
}
# A server whose synchronous standby is not there begins an era, and serves, all the same.
$primary->append_conf('postgresql.conf', "synchronous_standby_names = 'nobody'\n");
$primary->restart;
$server->wait_ready;
my $ws = $server->connect('1');
isnt($ws->{ready}{payload}{stream}, $era, 'an era begins without a synchronous standby');
# Nor does it wait for it with what clients ask for, or with what retention drops.
my $written = 'SET synchronous_commit = local;';
$server->sql("$written INSERT INTO bug_reports (title) VALUES ('one');
	INSERT INTO bugevents.notifications (user_id, type, message) VALUES ('1', 'welcome', 'Hello')");

sub ask { return $ws->answer(@_); }
is(ask('read', notification_id => 1)->{unread}, 0, '... reads');
is_deeply(ask('watch', bug_report_id => 1), { watching => JSON::PP::true }, '... watches');
is_deeply(ask('unwatch', bug_report_id => 1), { watching => JSON::PP::false }, '... and does so no more');
$server->set('bugevents.retention' => '1s', 'bugevents.retention_size' => '1MB');
my $dropped = 'SELECT min(last_seq) > ' . $server->sql('SELECT max(last_seq) FROM bugevents.journal') . ' FROM bugevents.journal';
BugEvents::Server::wait_until(sub { $server->sql("$written INSERT INTO projects (name, description) VALUES ('p', repeat('x', 100000))");
	return $server->sql($dropped) eq 't' }, 'retention to drop');
is($server->sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"), 0, '... and drops what is too old');

# While no dispatcher has recorded an era, the first transaction of it that commits leaves a row; those behind it needn't.
$primary->stop;
my $alone = [ $primary->config_data('--bindir') . '/postgres', '--single', '-D', $primary->data_dir, '-c', 'synchronous_standby_names=', 'postgres' ];
IPC::Run::run($alone, '<', \join("\n", 'BEGIN', q{INSERT INTO projects (name) VALUES ('1')}, 'ROLLBACK', map({ "INSERT INTO projects (name) VALUES ('$_')" } 2 .. 4),
	q{SELECT count(*) AS marks FROM bugevents.eras WHERE timeline IS NULL}, ''), '>', \my $said, '2>', \my $log);
like($said, qr/marks = "1"/, 'one transaction of several leaves a row of the era');
done_testing();
