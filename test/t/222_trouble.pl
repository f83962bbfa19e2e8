# What an operator runs into: no preload, no worker to be had, a database that goes.
use strict;
use warnings;
use BugEvents::Server;
use PostgreSQL::Test::Utils;
use Test::More;

# Not preloaded: every call says what to set.
{
	my $server = BugEvents::Server->new('unloaded');
	my $node = $server->node;

	$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "''");
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION bugevents; CREATE TABLE t (id int PRIMARY KEY, name text, '
		. 'description text, created_at timestamptz, updated_at timestamptz)');
	for my $call (
		'bugevents.create_tracker()', q{bugevents.attach('t', 'project')},
		q{bugevents.send('a', 'b', '{}')}, q{bugevents.token('1')}, '* FROM bugevents.events()',
		'* FROM bugevents.connections', q{bugevents.disconnect('x', 'y')})
	{
		my ($status, $out, $err) = $node->psql('postgres', "SELECT $call");

		like($err, qr/ERROR:.*shared_preload_libraries.*HINT:.*postgresql\.conf/s, "not preloaded: $call");
	}
	like($node->safe_psql('postgres', 'SELECT count(*) FROM bugevents.attachments'), qr/^0$/,
		'what needs no shared memory works');
	$node->stop;
}

# No worker to be had: the server starts, says so, and its sessions go on.
{
	my $server = BugEvents::Server->new('crowded', conf => "max_worker_processes = 0\n");
	my $node = $server->node;

	$node->start;
	like($server->log_since(0), qr/(WARNING|LOG):.*(background worker|max_worker_processes)/,
		'max_worker_processes exhausted: that is logged');
	$server->create(wait => 0);
	$server->sql("INSERT INTO projects (name) VALUES ('nobody serves it')");
	is($server->sql(q{SELECT payload ->> 'name' FROM bugevents.events() WHERE type = 'project'}), 'nobody serves it',
		'... and what is written is in the journal');
	$node->append_conf('postgresql.conf', "max_worker_processes = 8\n");
	$node->restart;
	$server->wait_ready;
	pass('... served once there is a worker');
	$node->stop;
}

# The database that is served can be dropped, and come again.
{
	my $server = BugEvents::Server->start_new('dropped', database => 'tracker');
	my $node = $server->node;
	my $ws = $server->connect('1');
	my ($stream, $seq) = @{ $ws->{ready}{payload} }{qw(stream seq)};
	my ($status, $out, $err) = $node->psql('postgres', 'DROP DATABASE tracker');

	like($err, qr/database "tracker" is being accessed by other users/, 'DROP DATABASE says that it is in use');
	# Responders come when the dispatcher has work for them.
	like($node->safe_psql('postgres', q{SELECT string_agg(backend_type, ', ' ORDER BY backend_type) FROM pg_stat_activity WHERE datname = 'tracker'}),
		qr/^bugevents dispatcher, bugevents lookup(, bugevents responder)*$/, '... and pg_stat_activity by whom');
	my $from = $server->log_size;
	$node->safe_psql('postgres', 'DROP DATABASE tracker WITH (FORCE)');
	is($ws->wait_close, 1012, 'WITH (FORCE) drops it; clients are closed with 1012');
	$server->wait_log(qr/LOG:.*database "tracker" does not exist.*\n.*HINT:/, $from);
	pass('... the log says what is waited for');
	my $quiet = $server->log_size;
	$server->create(createdb => '', wait => 1);
	cmp_ok(scalar(() = $server->log_since($from) =~ /database "tracker" does not exist/g), '<=', 3,
		'... without saying it again and again');
	my $back = $server->resume('1', $seq, $stream);
	is($back->next_json->{payload}{code}, 'resync_required', 'a database of the same name is another stream');
	$server->sql("INSERT INTO projects (name) VALUES ('new')");
	is($back->next_event->{payload}{name}, 'new', '... and is served');
	$node->stop;
}

# A backend dies hard: PostgreSQL restarts, clients come back without loss or double.
{
	my $server = BugEvents::Server->start_new('crash', conf => "restart_after_crash = on\n");
	my $ws = $server->connect('1');
	my ($stream, $seq) = @{ $ws->{ready}{payload} }{qw(stream seq)};

	for my $round (1 .. 3)
	{
		my $victim = $server->session;
		my $pid = $victim->query_safe('SELECT pg_backend_pid()');

		$server->sql("INSERT INTO projects (name) VALUES ('before $round')");
		$victim->query_safe("BEGIN; INSERT INTO projects (name) VALUES ('never')");
		my ($gateway) = $server->gateway_pids;
		kill 'KILL', $pid;
		BugEvents::Server::wait_until(sub { !BugEvents::Server::process_exists($gateway) }, 'the gateway to end');
		BugEvents::Server::wait_until(sub { eval { $server->sql('SELECT 1') } }, 'the server');
		$server->wait_ready;
		$server->sql("INSERT INTO projects (name) VALUES ('after $round')");
		eval { $victim->{run}->finish };
	}
	my $late = $server->resume('1', $seq, $stream);
	is_deeply([ map { $_->{payload}{name} } grep { $_->{type} eq 'project' } $server->events_before_fence($late) ],
		[ map { ("before $_", "after $_") } 1 .. 3 ], 'kill -9 of a backend: nothing lost, nothing twice, nothing aborted');
	for my $how ('fast', 'immediate')
	{
		my @gateways = $server->gateway_pids;

		$server->node->stop($how);
		BugEvents::Server::wait_until(sub { !grep { BugEvents::Server::process_exists($_) } @gateways }, 'gateways to end');
		$server->node->start;
		$server->wait_ready;
		$server->sql("INSERT INTO projects (name) VALUES ('after $how')");
	}
	$late = $server->resume('1', $seq, $stream);
	is(scalar(grep { $_->{type} eq 'project' } $server->events_before_fence($late)), 8, 'so it is with fast and immediate stops');
}
done_testing();
