# A publication FOR ALL TABLES: what is bugevents' own stays where it is, and rows go on being applied.
use strict;
use warnings;
use BugEvents::Projector qw(caught_up);
use BugEvents::Server;
use Test::More;

my %o = (projector => 1, streaming => 1, conf => "wal_level = logical\nbugevents.retention_size = 1MB\n");
my $blue = BugEvents::Server->start_new('blue', %o);
my $green = BugEvents::Server->start_new('green', %o);

sub journal { return $_[0]->sql('SELECT md5(string_agg(j::text, chr(10) ORDER BY last_seq)) || count(*) FROM bugevents.journal AS j'); }
sub synchronized
{
	my $id = $blue->sql("INSERT INTO projects (name) VALUES ('fence') RETURNING id");

	BugEvents::Server::wait_until(sub { $green->sql("SELECT count(*) FROM projects WHERE id = $id") eq '1' }, 'rows to be applied', sub { $green->log_since(0) });
	return;
}

# There before the subscription is: the first copy of the tables.
$blue->sql("INSERT INTO users (username) VALUES ('ada'); INSERT INTO bug_reports (title, creator_id) VALUES ('it crashes', 1)");
$blue->sql("SELECT bugevents.remind('1', now() + interval '1 hour', '1'); INSERT INTO bugevents.preferences VALUES ('1', '*', 'email', false)");
caught_up($blue);
$green->sql("INSERT INTO projects (id, name) OVERRIDING SYSTEM VALUE VALUES (1000000, 'green')");
caught_up($green);
my ($stream, $before) = ($green->sql('SELECT id, instance FROM bugevents.stream'), journal($green));
$blue->sql('CREATE PUBLICATION everything FOR ALL TABLES');
$green->sql("CREATE SUBSCRIPTION all_of_it CONNECTION 'host=@{[ $blue->node->host ]} port=@{[ $blue->node->port ]} dbname=postgres' PUBLICATION everything");
BugEvents::Server::wait_until(sub { $green->sql("SELECT count(*) FROM pg_subscription_rel WHERE srsubstate <> 'r'") eq '0' }, 'the first copy',
	sub { $green->log_since(0) });
synchronized();
is($green->sql("SELECT title FROM bug_reports"), 'it crashes', 'rows are replicated');
is($green->sql('SELECT id, instance FROM bugevents.stream'), $stream, 'the stream is not');
is(journal($green), $before, '... nor the journal');
is($green->sql('SELECT (SELECT count(*) FROM bugevents.notifications) + (SELECT count(*) FROM bugevents.reminders) + (SELECT count(*) FROM bugevents.people)'), 0, '... nor what is derived');
is($green->sql('SELECT count(*) FROM bugevents.preferences'), 1, 'what users set is');
$green->wait_log(qr/LOG:  bugevents passes over what replication writes into table "bugevents\.\w+"/);
pass('... and the log says so');

# While it runs: rows, large transactions, retention, what is deleted and derived.
$blue->sql("UPDATE bug_reports SET assignee_id = 1, status = 'closed'");
$blue->sql("SET bugevents.spill_size = 64; INSERT INTO projects (name, description) SELECT 'p', repeat('x', 1000) FROM generate_series(1, 500)");
BugEvents::Server::wait_until(sub {
		$blue->sql("INSERT INTO projects (name, description) SELECT 'more', repeat('x', 1000) FROM generate_series(1, 100)");
		return $blue->sql('SELECT dropped > 0 FROM bugevents.stream') eq 't';
	}, 'retention to drop a part of the journal');
caught_up($blue);
$blue->sql('DELETE FROM bugevents.notifications; UPDATE bugevents.reminders SET due_at = now()');
synchronized();
is(journal($green), $before, 'a journal that is written and dropped leaves the other one as it is');
is($green->sql("SELECT count(*) FROM bugevents.notifications"), 0, '... and what is derived');
unlike($green->log_since(0), qr/ERROR/, '... without an error');

# What is published of applied rows is the subscriber's own.
$green->sql("SELECT bugevents.attach('projects', 'project', always => true)");
my $ws = $green->connect('1');
$blue->sql("INSERT INTO projects (name) VALUES ('always')");
is($ws->wait_for(sub { $_[0]{type} eq 'project' })->{payload}{name}, 'always', 'rows that are applied can be published');
my ($seq, $own) = ($ws->{ready}{payload}{seq}, $green->sql('SELECT count(*) FROM bugevents.journal'));
cmp_ok($own, '>', 0, '... by its own journal');
$green->sql('CREATE INDEX ON bugevents.journal_0 (n); CREATE INDEX ON bugevents.journal_1 (n); CREATE INDEX ON bugevents.journal_2 (n)');
$blue->sql("INSERT INTO projects (name) VALUES ('slowly')");
is($ws->wait_for(sub { $_[0]{type} eq 'project' })->{payload}{name}, 'slowly', '... by the executor, too');
is($green->sql("SELECT count(*) FROM bugevents.events($seq) WHERE payload ->> 'name' = 'slowly'"), 1, '... which is in the journal');

# A session of the administrator's, as pg_restore leaves the triggers.
$green->sql('ALTER TABLE bugevents.watchers DISABLE TRIGGER ALL; ALTER TABLE bugevents.watchers ENABLE TRIGGER ALL');
$green->sql("INSERT INTO bugevents.watchers VALUES ('1', '1')");
is($green->sql('SELECT count(*) FROM bugevents.watchers'), 1, 'other sessions write as before');
isnt($green->node->psql('postgres', 'SET session_replication_role = replica; TRUNCATE bugevents.journal_0'), 0, 'a TRUNCATE that is applied is refused');
done_testing();
