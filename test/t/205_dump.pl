# pg_dump and restore: the configuration goes along, the history doesn't, and
# nobody mistakes the copy for the original.
use strict;
use warnings;
use BugEvents::Server;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = BugEvents::Server->start_new('original');
$server->sql(<<~'END');
	CREATE SCHEMA other;
	CREATE TABLE other.tickets (id int PRIMARY KEY, headline text, description text, status text, priority text,
	  owner int, project int, created timestamptz DEFAULT now(), updated timestamptz DEFAULT now(), secret text);
	SELECT bugevents.attach('other.tickets', 'bug_report', '{"title": "headline", "assignee_id": "owner",
	  "project_id": "project", "creator_id": "row.owner + 1", "created_at": "created", "updated_at": "updated"}',
	  filter => 'row.secret IS NULL', extra => '{secret}');
	INSERT INTO projects (name) SELECT 'project ' || g FROM generate_series(1, 20) g;
	INSERT INTO other.tickets (id, headline) VALUES (1, 'first'), (2, 'second');
	END
my $ws = $server->connect('1');
my ($stream, $seq) = @{ $ws->{ready}{payload} }{qw(stream seq)};
my $attachments = q{SELECT string_agg(j::text, ' ' ORDER BY j::text)
	FROM (SELECT to_jsonb(a) - '{evaluated,evaluation_ms,slowest_ms,timeouts,suspended}'::text[] FROM bugevents.attachments AS a) AS x (j)};
my $before = $server->sql($attachments);

for my $format ('plain', 'custom')
{
	my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
	my $copy = BugEvents::Server->new("copy_$format");

	command_ok([ 'pg_dump', "--format=$format", '-f', $dump, $server->node->connstr('postgres') ], "pg_dump, $format");
	$copy->node->start;
	command_ok($format eq 'plain'
		? [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $copy->node->connstr('postgres') ]
		: [ 'pg_restore', '--exit-on-error', '-d', $copy->node->connstr('postgres'), $dump ], '... restored');
	unlike(slurp_file($dump), qr/COPY bugevents\.(journal|stream)/, '... without journal and stream') if $format eq 'plain';
	$copy->wait_ready;
	is($copy->sql('SELECT count(*) FROM projects'), '20', '... with its rows');
	is($copy->sql($attachments), $before, '... and what is attached, and how');
	is($copy->sql('SELECT count(*) FROM bugevents.events()'), '0', 'restoring published nothing');
	isnt($copy->sql('SELECT id FROM bugevents.stream'), $stream, 'the copy is another stream');
	my $late = $copy->resume('1', $seq, $stream);
	is($late->{ready}{payload}{resumed}, JSON::PP::false, 'who comes with a position of the original');
	is($late->next_json->{payload}{code}, 'resync_required', '... is told');
	$copy->sql("INSERT INTO other.tickets (id, headline, owner) VALUES (3, 'third', 7)");
	my $event = $late->next_event;
	is_deeply([ @{ $event->{payload} }{qw(id title creator_id)} ], [ 3, 'third', 8 ], 'the copy publishes as the original did');
	$copy->node->stop;
}

# What is only loaded as data publishes, as any INSERT does, unless triggers are off.
my $data = PostgreSQL::Test::Utils::tempdir() . '/data';
command_ok([ 'pg_dump', '--data-only', '--disable-triggers', '--table=projects', '-Fc', '-f', $data, $server->node->connstr('postgres') ],
	'pg_dump of data');
$server->sql('TRUNCATE projects CASCADE');
command_ok([ 'pg_restore', '--data-only', '--disable-triggers', '-d', $server->node->connstr('postgres'), $data ], '... loaded');
is($server->sql('SELECT count(*) FROM projects'), '20', '... with its rows');
is(scalar(grep { $_->{action} eq 'created' && $_->{type} eq 'project' } $server->events_before_fence($ws)), 0,
	'... published nothing');
done_testing();
