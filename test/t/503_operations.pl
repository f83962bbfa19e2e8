# docs/operations.md, done block by block, and what it says of proxies and restored backups.
use strict;
use warnings;
use BugEvents::Document;
use BugEvents::Server;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = BugEvents::Server->start_new('main', database => 'tracker', streaming => 1);
my $node = $server->node;
my %port = map { $_ => PostgreSQL::Test::Cluster::get_free_port() } qw(nginx haproxy);
my $guide = BugEvents::Document->new('docs/operations.md', server => $server);
my $folder = $guide->folder;
my $certificates = "$folder/ssl";

$guide->replace(8432 => $server->port, 'listen 443' => "listen $port{nginx}", 'bind :443' => "bind :$port{haproxy}",
	'/etc/ssl/tracker' => $certificates);

$guide->follow($_) for 'Install', 'postgresql.conf', 'TLS';

# From now on bugevents.require_user is on: who is let in has a row.
$server->sql("INSERT INTO users (id, username) VALUES (1, 'ada'), (7, 'bob')");

# As it is when a proxy does TLS.
my $err;
mkdir $certificates;
IPC::Run::run([ qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=tracker),
		'-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', "$certificates/privkey.pem", '-out', "$certificates/fullchain.pem" ],
	'2>', \$err)
  or die $err;
append_to_file("$certificates/both.pem", slurp_file("$certificates/$_")) for qw(fullchain.pem privkey.pem);
$guide->follow('Behind a proxy');
$server->wait_ready;

# The files go where Debian's own configuration includes them.
append_to_file("$folder/nginx.conf", <<~"END");
	daemon off;
	pid $folder/nginx.pid;
	error_log stderr;
	events {}
	http {
		access_log off;
		client_body_temp_path $folder/body;
		proxy_temp_path $folder/proxy;
		fastcgi_temp_path $folder/fastcgi;
		uwsgi_temp_path $folder/uwsgi;
		scgi_temp_path $folder/scgi;
		include $folder/tracker.conf;
	}
	END
my %proxy = (
	nginx => [ '/usr/sbin/nginx', '-e', 'stderr', '-c', "$folder/nginx.conf" ],
	haproxy => [ '/usr/sbin/haproxy', '-db', '-f', "$folder/tracker.cfg" ]);

sub status
{
	my ($url) = @_;
	my $out = '';

	IPC::Run::run([ 'curl', '-s', '--cacert', "$certificates/fullchain.pem", '-o', '/dev/null', '-w', '%{http_code}', $url ], '>', \$out);
	return $out;
}

for my $name (sort keys %proxy)
{
	my $place = "https://127.0.0.1:$port{$name}";
	my $said = '';
	my $run = IPC::Run::start($proxy{$name}, '<', \'', '>&', \$said);

	BugEvents::Server::wait_until(sub { $run->pump_nb; status("$place/health") eq '200' }, $name, sub { $said });
	pass("$name serves by TLS");
	is(status("$place/"), '200', '... the console');
	is(status("$place/metrics"), '404', '... but no metrics');

	# A browser's handshake, from another address than the proxy's.
	my $seen = '';
	my $browser = IPC::Run::start([
			'curl', '-sN', '--http1.1', '--cacert', "$certificates/fullchain.pem", '--interface', '127.0.0.2',
			(map { ('-H', $_) } "Origin: $place", 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13',
				'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=='),
			"$place/ws?token=" . $server->token('7') ], '<', \'', '>', \$seen);

	BugEvents::Server::wait_until(sub { $browser->pump_nb; $seen =~ /"action":"ready"/ }, 'ready', sub { $seen });
	pass('... a page of its own origin');
	is($server->sql(q{SELECT address FROM bugevents.connections WHERE user_id = '7'}), '127.0.0.2', '... whose address is known');
	$server->sql("INSERT INTO projects (name) VALUES ('by $name')");
	BugEvents::Server::wait_until(sub { $browser->pump_nb; $seen =~ /by $name/ }, 'an event', sub { $seen });
	pass('... and events come');
	$browser->kill_kill;

	# The same as Server-Sent Events, at once though a proxy might collect, and as JSON.
	my $sse = '';
	my @by_http = ('curl', '-sN', '--cacert', "$certificates/fullchain.pem", '--interface', '127.0.0.2', '-H', 'Authorization: Bearer ' . $server->token('7'));
	my $source = IPC::Run::start([ @by_http, '-H', 'Accept: text/event-stream', '-H', "Origin: $place", "$place/events" ], '<', \'', '>', \$sse);

	BugEvents::Server::wait_until(sub { $source->pump_nb; $sse =~ /^event: connection.ready$/m }, 'an event source', sub { $sse });
	is($server->sql(q{SELECT address FROM bugevents.connections WHERE user_id = '7' ORDER BY connected_at DESC LIMIT 1}), '127.0.0.2', '... an event source, whose address is known');
	$server->sql("INSERT INTO projects (name) VALUES ('told by $name')");
	BugEvents::Server::wait_until(sub { $source->pump_nb; $sse =~ /^event: project.created\ndata: .*told by $name/m }, 'an event', sub { $sse });
	pass('... and its events come');
	$source->kill_kill;
	my ($position) = $sse =~ /.*^id: (\S+)$/ms;
	my $poll = '';
	my $polls = IPC::Run::start([ @by_http, "$place/events?wait=60&types=project&since=" . ($position =~ /:(\d+)$/)[0] . '&stream=' . ($position =~ /^(.*):/)[0] ], '<', \'', '>', \$poll);
	BugEvents::Server::wait_until(sub { $polls->pump_nb; $server->sql(q{SELECT count(*) FROM bugevents.connections WHERE user_id = '7'}) > 0 }, 'a poll', sub { $poll });
	$server->sql("INSERT INTO projects (name) VALUES ('polled by $name')");
	BugEvents::Server::wait_until(sub { $polls->pump_nb; $poll =~ /\]\}$/ }, 'an answer', sub { $poll });
	like($poll, qr/^\{"stream":"[^"]*","seq":\d+,"events":\[\{[^\[]*polled by $name/, '... and a long poll is answered');
	$polls->finish;
	$run->kill_kill;
}

$guide->follow($_) for 'Monitoring', 'Why did my event not arrive?', 'Upgrades';

# A physical backup: clients have seen more than it has.
$guide->follow('Backup and restore');
$node->backup('backup');
my $ws = $server->connect('1');
$server->sql("INSERT INTO projects (name) VALUES ('lost with the machine')");
my $seen = $ws->next_event;
my $restored = BugEvents::Server->from_backup('restored', $server, 'backup');
$restored->node->start;
$restored->wait_ready;
my $back = $restored->resume('1', $seen->{seq}, $ws->{ready}{payload}{stream});
is($back->next_json->{payload}{code}, 'resync_required', 'who saw what a restored cluster lacks is told');
$restored->sql("INSERT INTO projects (name) VALUES ('anew')");
is($back->next_event->{payload}{name}, 'anew', '... and goes on');

$guide->follow('At three in the morning');
$guide->finish;
done_testing();
