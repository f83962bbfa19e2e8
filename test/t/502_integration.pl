# docs/integration.md, done block by block by who has nothing but a server with the files installed.
use strict;
use warnings;
use BugEvents::Document;
use BugEvents::Program;
use BugEvents::Server;
use IPC::Run;
use Test::More;

my $server = BugEvents::Server->new('guide', database => 'tracker', conf => "bugevents.require_user = on\n");
my $node = $server->node;
my $page_port = PostgreSQL::Test::Cluster::get_free_port();
my $guide = BugEvents::Document->new('docs/integration.md', server => $server,
	replace => { 8432 => $server->port, 8000 => $page_port });

sub said { BugEvents::Document::wait_said(@_); pass("said: $_[1]"); return; }

# The database.
$node->start;
$guide->follow_to('The database', 'sudo pg_ctlcluster');
$node->restart;
$guide->follow('The database');

# The first event.
$guide->follow_to('The first event', 'In a terminal');
said($guide->terminal, qr/"action":"ready"/);
$guide->follow('The first event');
said($guide->terminal, qr/"action":"created".*"action":"updated".*"action":"status_changed"/s);

# Tokens.
$guide->follow('Tokens from your backend');
for my $by (qw(python node php es256))
{
	my $token = PostgreSQL::Test::Utils::slurp_file($guide->folder . "/$by.token") =~ s/\s+$//r;
	my $ready;

	# The key of the last one is in force after a reload.
	BugEvents::Server::wait_until(sub {
			$ready = BugEvents::WebSocket->connect(port => $server->port, token => $token)->next_json;
			return $by ne 'es256' || $ready->{type} ne 'error';
		}, "a token by $by");
	is_deeply([ $ready->{action}, @{ $ready->{payload} }{qw(user_id role)} ], [ 'ready', '2', 'user' ], "a token by $by");
}

# Its recipes have a test of their own (113_trackers): this only shows how one is run.
$guide->follow('A tracker that you have');

# The page.
$guide->follow_to('A live page', 'In a terminal');
BugEvents::Server::wait_until(sub { (eval { BugEvents::WebSocket->http(port => $page_port, path => '/live.html') })[0] // 0 == 200 }, 'the page');
{
	my $browser = BugEvents::Program->start([ 'node', 'test/browser/live.mjs', "http://localhost:$page_port/live.html" ],
		env => { $guide->_environment, PGDATABASE => 'tracker' });

	while (defined(my $line = $browser->line)) { ok(!$1, $2) if $line =~ /^(not )?ok (.*)/; }
	ok($browser->finish, 'the page, in a browser') or diag($browser->err);
}
$guide->follow('A live page');

# The service goes on where it was.
$guide->follow('A service that follows the stream');
my $service = $guide->terminal;
BugEvents::Server::wait_until(sub { -e $guide->folder . '/position.json' }, 'a position');
$server->sql(q{INSERT INTO issues (summary) VALUES ('one')});
my $one = $server->sql('SELECT max(id) FROM issues');
said($service, qr/^bug_report created $one$/m);
$service->{run}->kill_kill;
$server->sql(q{INSERT INTO issues (summary) VALUES ('two')});
my $two = $server->sql('SELECT max(id) FROM issues');
{
	local %ENV = $guide->_environment;
	my $again = { out => '' };

	$again->{run} = IPC::Run::start([ 'python3', $guide->folder . '/follow.py', 'ws://localhost:' . $server->port . '/ws',
			map { $guide->folder . "/$_" } qw(admin.token position.json) ], '<', \'', '>&', \$again->{out});
	said($again, qr/^bug_report created $two$/m);
	unlike($again->{out}, qr/created $one$/m, '... and nothing twice');
	$node->restart;
	$server->wait_ready;
	$server->sql(q{INSERT INTO issues (summary) VALUES ('three')});
	said($again, qr/^bug_report created @{[ $server->sql('SELECT max(id) FROM issues') ]}$/m);
	$again->{run}->kill_kill;
}

# Without WebSockets, in whatever language there is.
{
	my $before = $guide->terminals;
	my $had = $server->sql('SELECT count(*) FROM bugevents.connections');

	$guide->follow_to('Without WebSockets', 'go run poll.go http');
	my @terminals = splice @{ [ $guide->terminals ] }, $before;
	BugEvents::Server::wait_until(sub { $_->{run}->pump_nb for @terminals; $server->sql('SELECT count(*) FROM bugevents.connections') >= $had + @terminals }, 'all of them to listen',
		sub { join "\n", $server->sql('SELECT * FROM bugevents.connections'), map { $_->{out} } @terminals });
	$guide->follow('Without WebSockets');
	my $id = $server->sql('SELECT max(id) FROM issues');
	said(shift @terminals, qr/^event: bug_report.created\ndata: .*"id":$id,/m);
	said($_, qr/^bug_report created $id$/m) for @terminals;
	cmp_ok(scalar @terminals, '>=', 2, scalar @terminals . ' of four languages beside curl');
}

$guide->follow('A consumer in SQL');
is($server->sql(q{SELECT string_agg(summary, ', ') FROM billed JOIN issues ON id = issue}), 'It costs', 'what was consumed is kept');

$guide->follow('When nothing comes');
$guide->finish;
done_testing();
