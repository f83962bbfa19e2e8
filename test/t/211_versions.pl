# What an operator has to do something about is said once in the log, and by /ready: a library and an
# extension of different versions, a database that is away, a worker without a slot.  And an extension in a
# folder of its own.
use strict;
use warnings;
use BugEvents::Server;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = BugEvents::Server->start_new('versions', database => 'app', projector => 1, tracker => 0, wait => 0);
my $node = $server->node;
my $now = $server->sql(q{SELECT default_version FROM pg_available_extensions WHERE name = 'bugevents'});

sub ready
{
	my ($status, $body) = eval { $server->http('/ready') };

	return [ $status // 0, $body // '' ];
}

sub wait_for_ready
{
	my ($status, $says) = @_;

	BugEvents::Server::wait_until(sub { my $is = ready(); $is->[0] == $status && $is->[1] =~ $says }, "/ready to be $status and say $says");
	pass("/ready is $status and says $says");
	return;
}

sub lines { my ($pattern, $since) = @_; return scalar(() = $server->log_since($since) =~ /$pattern/g); }

#
# An extension of an earlier version
#

my $log = $server->log_size;
$server->sql("DROP EXTENSION bugevents");
$server->sql("CREATE EXTENSION bugevents VERSION '0.1.0'; SELECT bugevents.create_tracker()");
$server->wait_log(qr/WARNING:  bugevents \Q$now\E is loaded, but database "app" has version 0\.1\.0 of the extension: nothing is served\n.*HINT:  Run ALTER EXTENSION bugevents UPDATE in it/, $log);
wait_for_ready(503, qr/different versions: Run ALTER EXTENSION bugevents UPDATE in it\.$/m);
$server->sql("INSERT INTO projects (name) VALUES ('meanwhile')");
$server->sql("BEGIN; UPDATE projects SET name = 'changed'; SAVEPOINT a; INSERT INTO projects (name) VALUES ('gone'); ROLLBACK TO a; COMMIT");
pass('whoever writes is not concerned');
like($server->sql("SELECT verdict || ' ' || detail FROM bugevents.explain_change('projects', '1') WHERE finding = 'extension'"),
	qr/^reason the library is of version \Q$now\E, the extension of 0\.1\.0: Run ALTER EXTENSION/, 'explain_change says it');
my $dispatcher = $server->dispatcher_pid;
$node->reload;
$server->sql('ALTER EXTENSION bugevents UPDATE');
$server->wait_ready;
is_deeply(ready(), [ 200, "ok\n" ], 'updated, it is served');
is(lines(qr/WARNING:  bugevents/, $log), 1, '... and the log has said it once');
is($server->dispatcher_pid, $dispatcher, '... by a dispatcher that went on');
unlike($server->log_since($log), qr/ERROR:|FATAL:/, '... without an error');
is($server->sql("SELECT string_agg(payload->>'name', ',' ORDER BY seq) FROM bugevents.events() WHERE type = 'project'"), 'meanwhile,changed',
	'... and what was written is in the stream');

# Of a later one: the package was upgraded, and the server goes on with the library from before.
$log = $server->log_size;
$server->sql("UPDATE pg_extension SET extversion = '99.10' WHERE extname = 'bugevents'");
$server->wait_log(qr/has version 99\.10 of the extension: nothing is served\n.*HINT:  Restart the server/, $log);
wait_for_ready(503, qr/Restart the server/);
$server->sql("UPDATE pg_extension SET extversion = '$now' WHERE extname = 'bugevents'");
$server->wait_ready;

#
# A database that is away: nobody connects meanwhile, as that would help
#

$node->append_conf('postgresql.conf', "bugevents.database = 'postgres'\n");
$node->restart;
$node->safe_psql('postgres', 'ALTER DATABASE app RENAME TO elsewhere');
$node->append_conf('postgresql.conf', "bugevents.database = 'app'\n");
$log = $server->log_size;
$node->restart;
$server->wait_log(qr/LOG:  database "app" does not exist, bugevents waits for it/, $log);
unlike($server->log_since($log), qr/cannot read pg_class/, 'a database that was renamed is waited for');
$node->safe_psql('postgres', 'ALTER DATABASE elsewhere RENAME TO app');
$server->wait_ready;
is(lines(qr/FATAL:  database "app" does not exist/, $log), 1, '... which the log says once');
is(lines(qr/bugevents waits for it/, $log), 1, '... with what is done about it');

$log = $server->log_size;
$node->safe_psql('postgres', 'ALTER DATABASE app ALLOW_CONNECTIONS false');
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'app'});
$server->wait_log(qr/bugevents waits for it/, $log);
$node->safe_psql('postgres', 'ALTER DATABASE app ALLOW_CONNECTIONS true');
$server->wait_ready;
pass('one that takes no connections is waited for, too');

#
# No slot for a worker
#

$node->append_conf('postgresql.conf', "max_worker_processes = 2\nbugevents.webhook_url = 'http://127.0.0.1:9/'\n");
$node->restart;
# In the order in which they were tried, which differs by what is asked first.
my $missing = join '|', 'no projector, nobody is notified', 'no courier, nothing is sent', q{no responder, clients' get and list fail},
	'no responder 2, questions wait for one another';
wait_for_ready(200, qr/^ok, but: (?!.*(no [a-z]+(?: 2)?,).*\1)(?:(?:$missing)(?:; |$)){4}$/m);
$node->append_conf('postgresql.conf', "max_worker_processes = 8\n");
$node->restart;
wait_for_ready(200, qr/^ok$/m);

#
# Another database
#

$node->safe_psql('postgres', 'CREATE EXTENSION bugevents');
for my $call (q{bugevents.watch('1', '1')}, q{bugevents.unwatch('1', '1')}, q{bugevents.remind('1', now())}, q{count(*) FROM bugevents.stats}, q{count(*) FROM bugevents.connections})
{
	my ($status, undef, $error) = $node->psql('postgres', "SELECT $call");

	like($error, qr/ERROR:  database "postgres" is not served by bugevents.*HINT:  .*"app"/s, "$call says that it means nothing here");
}

#
# A folder of its own
#

SKIP: {
	my ($major) = $node->config_data('--version') =~ /(\d+)/;
	skip "PostgreSQL $major has no extension_control_path, 18 has", 6 if $major < 18;

	my $own = PostgreSQL::Test::Utils::tempdir();
	my ($share, $lib) = map { $node->config_data($_) } '--sharedir', '--pkglibdir';
	mkdir "$own/$_" or die $! for 'extension', 'lib';
	system('cp', $_, "$own/extension/") == 0 or die for glob "$share/extension/bugevents*";
	system('cp', $_, "$own/lib/") == 0 or die for glob "$lib/bugevents{.so,-gateway,-carrier}";
	append_to_file("$own/extension/bugevents.control", "comment = 'of a folder of its own'\n");
	$node->append_conf('postgresql.conf', "extension_control_path = '$own:\$system'\ndynamic_library_path = '$own/lib:\$libdir'\n");
	$node->restart;
	$server->wait_ready;
	$server->sql('DROP EXTENSION bugevents CASCADE');
	$server->sql('CREATE EXTENSION bugevents');
	is($server->sql("SELECT obj_description(oid, 'pg_extension') FROM pg_extension WHERE extname = 'bugevents'"), 'of a folder of its own', 'an extension in a folder of its own is created');
	$server->sql("SELECT bugevents.attach('projects', 'project')");
	$server->wait_ready;
	my $ws = $server->connect('1', role => 'admin');
	$server->sql("INSERT INTO projects (name) VALUES ('from elsewhere')");
	is($ws->next_event->{payload}{name}, 'from elsewhere', '... is served');
	BugEvents::Server::wait_until(sub { $server->carrier_pids > 0 }, 'the carrier');
	is(readlink("/proc/$_->[1]/exe"), "$own/lib/bugevents-$_->[0]", "... by its own $_->[0]")
		for [ gateway => $server->gateway_pids ], [ carrier => $server->carrier_pids ];

	# Programs that aren't beside the library are where PostgreSQL has its libraries.
	my @old = $server->gateway_pids;
	unlink "$own/lib/bugevents-gateway" or die $!;
	kill 'KILL', @old;
	is(readlink("/proc/@{[ $server->wait_new_gateway(@old) ]}/exe"), "$lib/bugevents-gateway", '... or by the one of all libraries, where it has none');
	is((slurp_file('/proc/' . $server->dispatcher_pid . '/maps') =~ m{(\S+/bugevents\.so)})[0], "$own/lib/bugevents.so", '... and has its own library');
}

$node->stop;
done_testing();
