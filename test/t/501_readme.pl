# README.md, done block by block; the installation is somebody else's (script/deb-smoke, 503_operations.pl).
use strict;
use warnings;
use BugEvents::Document;
use BugEvents::Server;
use Cwd qw(getcwd);
use BugEvents::Program;
use JSON::PP;
use Test::More;

my $server = BugEvents::Server->new('readme', database => 'tracker', conf => "bugevents.require_user = on\n");
my $node = $server->node;
my $page_port = PostgreSQL::Test::Cluster::get_free_port();
my $readme = BugEvents::Document->new('README.md', server => $server,
	replace => { 8000 => $page_port, 'clients/js' => getcwd() . '/clients/js' });

$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE tracker');
$node->safe_psql('tracker', <<~'END');
	CREATE TYPE state AS ENUM ('open', 'closed');
	CREATE TABLE issues (id bigint PRIMARY KEY, summary text, description text, state state, priority text,
		assignee_id bigint, project_id bigint, created_at timestamptz, updated_at timestamptz);
	CREATE TABLE project_members (user_id bigint, project_id bigint, PRIMARY KEY (user_id, project_id));
	END
$server->sql('CREATE EXTENSION bugevents');
$server->sql('SELECT bugevents.create_tracker()');
$readme->follow('Install');
PostgreSQL::Test::Utils::append_to_file($node->data_dir . '/bugevents.secret', "$server->{secret}\n");
chmod 0600, $node->data_dir . '/bugevents.secret';
$node->restart;
$server->wait_ready;

# The tables that you have: that of issues, above.
$readme->follow('Start');
is($server->sql('SELECT count(*) FROM bugevents.attachments'), 5, 'the tracker and the table are attached');
$readme->follow('Attaching tables');
is($server->sql('SELECT count(*) FROM bugevents.follows'), 1, '... and what its expressions look up is followed');

# A page of one's own.
$readme->follow_to('From a page or a service', 'bugevents.token');
my $token = $readme->output;
BugEvents::Server::wait_until(sub { (eval { BugEvents::WebSocket->http(port => $page_port, path => '/example.html') })[0] // 0 == 200 }, 'the page');
my $browser = BugEvents::Program->start([ 'node', 'test/browser/example.mjs',
		"http://localhost:$page_port/example.html?url=ws://localhost:" . $server->port . '/ws', $token ],
	env => { HOME => PostgreSQL::Test::Utils::tempdir() });

sub shows
{
	my ($what, @lines) = @_;
	my $wanted = encode_json(\@lines);

	$browser->says(qr/^\Q$wanted\E\n\z/m);
	pass($what);
	return;
}
$browser->says(qr/^open$/m);
$readme->follow('From a page or a service');
shows('the page shows what is committed', '#1 The first one (open)');
$server->sql("INSERT INTO bug_reports (title) VALUES ('The second one'); UPDATE bug_reports SET status = 'closed' WHERE id = 1; DELETE FROM bug_reports WHERE id = 2");
shows('... and changes, and what goes', '#1 The first one (closed)');
$browser->finish;
is($browser->err, '', 'the browser ran');

# The first screen: the event is the one that is shown, but for what differs each time.
sub timeless
{
	my ($event) = @_;

	$event->{$_} &&= 'N' for 'seq', 'at';
	$event->{tx}{id} &&= 'N';
	$event->{payload}{$_} &&= 'N' for 'id', 'created_at', 'updated_at';
	return $event;
}
$server->sql("INSERT INTO users (id, username) VALUES (7, 'reader')");
my $ws = $server->connect('7');
$readme->follow_to('bugevents', 'INSERT');
is_deeply(timeless($ws->next_event), timeless(decode_json($readme->shown('bugevents'))), 'the event that is shown');

$readme->follow('Who may see what');
$readme->finish;
done_testing();
