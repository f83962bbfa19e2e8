# DDL around a stream that is being served.
use strict;
use warnings;
use BugEvents::Server;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = BugEvents::Server->new('ddl');
my $node = $server->node;
$node->start;

sub status { return eval { ($server->http($_[0]))[0] } // 0; }

# An extension that comes while the worker already runs.
BugEvents::Server::wait_until(sub { status('/health') == 200 }, 'a gateway');
is(status('/ready'), 503, 'no extension: not ready');
$server->create;
my $ws = $server->connect('1');
ok($ws->{ready}, 'an extension that is created while the worker runs is served');
my ($stream, $seq) = @{ $ws->{ready}{payload} }{qw(stream seq)};
my ($gateway) = $server->gateway_pids;

# Tables go and change their names.
$server->sql("INSERT INTO projects (name) VALUES ('one'); INSERT INTO users (username) VALUES ('u')");
$server->sql('DROP TABLE comments');
is($server->sql("SELECT count(*) FROM bugevents.attachments"), '3', 'a dropped table is attached no more');
$server->sql('ALTER TABLE projects RENAME TO products; ALTER TABLE products RENAME COLUMN description TO about');
$server->sql("UPDATE products SET about = 'text', name = 'two'");
my @events = grep { $_->{type} eq 'project' } $server->events_before_fence($ws);
is($events[-1]{action}, 'updated', 'a renamed table publishes as before');
is_deeply([ @{ $events[-1]{payload} }{qw(name description)} ], [ 'two', 'text' ], '... a renamed column, too');
is(($server->gateway_pids)[0], $gateway, '... in the same gateway');

# A new version of the extension: the client stays.  One that the library isn't of is not served (211), so it is
# the next one and this one again when the dispatcher looks.
my $share = $node->config_data('--sharedir') . '/extension';
SKIP: {
	skip 'the installation is not ours to write', 3 if !-w $share;
	my ($version) = $server->sql("SELECT extversion FROM pg_extension WHERE extname = 'bugevents'");
	append_to_file("$share/bugevents--$version--99.0.sql",
		"CREATE FUNCTION bugevents.news() RETURNS int LANGUAGE sql AS 'SELECT 99';\n");
	append_to_file("$share/bugevents--99.0--$version.sql", "COMMENT ON FUNCTION bugevents.news() IS 'old by now';\n");
	is($server->sql("BEGIN; ALTER EXTENSION bugevents UPDATE TO '99.0'; SELECT bugevents.news(); ALTER EXTENSION bugevents UPDATE TO '$version'; COMMIT"),
		'99', 'ALTER EXTENSION UPDATE');
	$server->sql("INSERT INTO products (name) VALUES ('after the update')");
	my @more = grep { $_->{type} eq 'project' } $server->events_before_fence($ws);
	is($more[-1]{payload}{name}, 'after the update', '... and the stream goes on');
	is($server->sql('SELECT id FROM bugevents.stream'), $stream, '... the same one');
	unlink "$share/bugevents--$version--99.0.sql", "$share/bugevents--99.0--$version.sql";
}

# Other databases come and go.
$server->node->safe_psql('postgres', 'CREATE DATABASE neighbour');
$server->node->safe_psql('neighbour', 'CREATE TABLE t (a int)');
$server->node->safe_psql('postgres', 'DROP DATABASE neighbour');
pass('another database can be dropped');

# The extension goes: its clients are told to come back, and find out.
$server->sql('DROP EXTENSION bugevents CASCADE');
is($ws->wait_close, 1012, 'DROP EXTENSION: clients are closed with 1012');
BugEvents::Server::wait_until(sub { status('/ready') == 503 }, 'not ready');
pass('... and there is nothing ready');
$server->sql("INSERT INTO products (name) VALUES ('unheard')");
$server->sql('CREATE EXTENSION bugevents');
$server->sql(q{SELECT bugevents.attach('products', 'project', '{"description": "about"}')});
$server->wait_ready;
my $back = $server->resume('1', $seq, $stream);
is($back->next_json->{payload}{code}, 'resync_required', 'created anew it is another stream');
$server->sql("INSERT INTO products (name) VALUES ('heard')");
is($back->next_event->{payload}{name}, 'heard', '... and goes on');

# Within one transaction, too.
$server->sql("BEGIN; INSERT INTO products (name) VALUES ('gone with it'); DROP EXTENSION bugevents CASCADE; COMMIT");
is($server->sql("SELECT count(*) FROM products WHERE name = 'gone with it'"), '1',
	'a transaction that publishes and drops the extension commits');
is($back->wait_close, 1012, '... and clients are told');

# What create_tracker() made stays, with what keeps updated_at current.
$server->sql('CREATE EXTENSION bugevents');
$server->sql("SELECT bugevents.create_tracker('kept')");
$server->sql("INSERT INTO kept.bug_reports (title, updated_at) VALUES ('old', '2020-01-01')");
$server->sql('DROP EXTENSION bugevents CASCADE');
is($server->sql("SELECT string_agg(DISTINCT tgname, ' ') FROM pg_trigger WHERE tgrelid::regclass::text LIKE 'kept.%' AND NOT tgisinternal"), 'set_updated_at', "a tracker keeps its own triggers when the extension is dropped");
is($server->sql("UPDATE kept.bug_reports SET title = 'new' RETURNING updated_at > now() - interval '1 hour'"), 't', '... which go on working');
done_testing();
