# What a logical replication apply worker writes: published by tables that are attached with always,
# TRUNCATE in the middle of a transaction included, which it carries out without a command.
use strict;
use warnings;
use BugEvents::Server;
use Test::More;

my $table = 'id int PRIMARY KEY, name text, description text, created_at int, updated_at int';
my $origin = PostgreSQL::Test::Cluster->new('apply_origin');
$origin->init(allows_streaming => 'logical');
$origin->start;
$origin->safe_psql('postgres', <<~"END");
	CREATE TABLE applied ($table);
	CREATE TABLE silent ($table);
	CREATE TABLE looked_up (id int PRIMARY KEY, who text);
	INSERT INTO applied (id, name) VALUES (1, 'from the beginning');
	CREATE PUBLICATION everything FOR ALL TABLES;
	END

my $server = BugEvents::Server->start_new('apply', tracker => 0, conf => "max_prepared_transactions = 5\n");
$server->sql(<<~"END");
	CREATE TABLE applied ($table);
	CREATE TABLE silent ($table);
	CREATE TABLE looked_up (id int PRIMARY KEY, who text);
	SELECT bugevents.attach('applied', 'project', always => true,
		audience => 'coalesce((SELECT l.who FROM looked_up AS l WHERE l.id = row.id), ''all'')');
	SELECT bugevents.attach('silent', 'comment', columns => '{"bug_report_id": "id", "user_id": "id", "content": "name"}');
	END
my $ws = $server->connect('7');
$server->sql("CREATE SUBSCRIPTION everything CONNECTION '" . $origin->connstr . " dbname=postgres' PUBLICATION everything");

my $seen = 0;

# The events of what was done at the origin, once all of it has been applied.
sub published
{
	my ($sql) = @_;

	$origin->safe_psql('postgres', $sql) if $sql;
	$origin->wait_for_catchup('everything');
	my $events = $server->sql("SELECT string_agg(concat_ws(' ', action, payload ->> 'id', payload ->> 'name', '(' || audience || ')'), ', ' ORDER BY seq)"
		  . " FROM bugevents.events($seen, 100000) WHERE type IN ('project', 'comment')");
	$seen = $server->sql("SELECT coalesce(max(seq), 0) FROM bugevents.events($seen, 100000)") || $seen;
	return $events;
}

BugEvents::Server::wait_until(sub { $server->sql("SELECT count(*) FROM pg_subscription_rel WHERE srsubstate <> 'r'") == 0 }, 'the tables to be in step');
is(published(''), 'created 1 from the beginning (all)', 'what was there when it began');
is(published("BEGIN; INSERT INTO applied (id, name) VALUES (2, 'two'), (3, 'three'); UPDATE applied SET name = 'TWO' WHERE id = 2; DELETE FROM applied WHERE id = 3;"
			. "INSERT INTO looked_up VALUES (2, 'user:7'); COMMIT"),
	'created 2 TWO (user:7)', 'a transaction: net, and by what it looks up at its end');
is(published("INSERT INTO silent (id, name) VALUES (1, 'x'); UPDATE applied SET id = 4 WHERE id = 2"),
	'deleted 2 TWO (user:7), created 4 TWO (all)', 'not of a table that is attached without always');
is(published("BEGIN; UPDATE applied SET name = 'unseen' WHERE id = 1; TRUNCATE applied; INSERT INTO applied (id, name) VALUES (5, 'after'); COMMIT"),
	'reload (all), truncated (all), created 5 after (all)', 'TRUNCATE in the middle: what was logged before it is lost, and so told');
is(published('TRUNCATE applied'), 'truncated (all)', 'TRUNCATE by itself');
is(published("INSERT INTO applied (id, name) SELECT i, 'many' FROM generate_series(10, 2000) i; DELETE FROM applied WHERE id < 2000") =~ tr/,//,
	2 * 1991 - 2, 'a large one');
is($server->sql("SELECT count(*) FROM pg_stat_subscription WHERE pid IS NOT NULL"), 1, 'the worker never failed');
unlike($server->log_since(0), qr/ERROR/, '... nor anything else');
my @received = $server->events_before_fence($ws);
is(join(' ', map { $_->{action} } grep { $_->{type} eq 'project' } @received[ 0 .. 6 ]), 'created created deleted created reload truncated created', 'a client is told the same');

$server->sql('DROP SUBSCRIPTION everything');
$server->node->stop;
$origin->stop;
done_testing();
