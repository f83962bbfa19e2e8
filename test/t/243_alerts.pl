# Alerts: each is raised by what it is about and cleared when that is over, in the log, in
# the metrics and as an event for admins.
use strict;
use warnings;
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('alerts', projector => 1, conf => <<~'END');
	bugevents.alert_window = 2s
	bugevents.alert_queue_overflows = 0
	bugevents.alert_gateway_restarts = 0
	bugevents.alert_error_rate = 0
	bugevents.alert_connection_spike = 0
	bugevents.alert_delivery_latency = 0
	bugevents.alert_projector_lag = 0
	bugevents.alert_projector_stuck = 0
	bugevents.alert_consumer_lag = 0
	bugevents.alert_delivery_outage = 0
	bugevents.alert_expression_errors = 0
	bugevents.retry_delay = 10ms
	bugevents.queue_size = 64kB
	bugevents.retention_size = 2MB
	END
my $node = $server->node;

sub metric { return $server->sql("SELECT value FROM bugevents.stats WHERE name = 'bugevents_alerts' AND labels = 'name=\"$_[0]\"'"); }

# The lines of the log about one alert, as "state value threshold".
sub lines
{
	my ($name) = @_;

	return $server->log_since(0) =~ /(?:WARNING|LOG):  bugevents alert: name=$name (state=\w+ value=\d+\.\d{3} threshold=\d+\.\d{3})$/mg;
}

# Events of alerts since a seq, in the journal.
sub events
{
	my ($name, $since) = @_;

	return $server->sql(<<~"END");
		SELECT string_agg(action || ' ' || audience, ', ' ORDER BY seq)
		  FROM bugevents.events(0, 100000) WHERE seq > $since AND type = 'alert' AND payload ->> 'name' = '$name'
		END
}
sub last_seq { return $server->sql('SELECT coalesce(max(last_seq), 0) FROM bugevents.journal'); }

# Raise and clear an alert.
sub check
{
	my ($name, $threshold, $cause, $cure) = @_;
	my $since = last_seq();

	is(metric($name), 0, "$name: not raised");
	$server->set("bugevents.alert_$name" => $threshold->[0]);
	BugEvents::Server::wait_until(sub { $server->sql("SHOW bugevents.alert_$name") eq $threshold->[0] }, 'the threshold');
	my $done = 0;
	BugEvents::Server::wait_until(sub { $cause->($done++); return metric($name) == 1 }, "$name to be raised");
	my ($raised) = lines($name);
	like($raised, qr/^state=raised value=\S+ threshold=$threshold->[1]$/, '... in the log');
	my ($value) = $raised =~ /value=(\S+)/;
	cmp_ok($value, '>=', $threshold->[1], '... its value is at the threshold');
	like($server->log_since(0), qr/WARNING:  bugevents alert: name=$name state=raised/, '... as a warning');
	BugEvents::Server::wait_until(sub { events($name, $since) eq 'raised admin' }, "the event of $name");
	pass('... as an event for admins');

	$cure->() if $cure;
	BugEvents::Server::wait_until(sub { metric($name) == 0 }, "$name to be cleared");
	my ($first, $second, @more) = lines($name);
	like($second, qr/^state=cleared value=\S+ threshold=$threshold->[1]$/, '... cleared in the log');
	is(scalar @more, 0, '... and no more');
	BugEvents::Server::wait_until(sub { events($name, $since) eq 'raised admin, cleared admin' }, "the last event of $name");
	$server->set("bugevents.alert_$name" => 0);
	BugEvents::Server::wait_until(sub { $server->sql("SHOW bugevents.alert_$name") eq 0 }, 'the threshold');
	return 0 + $value;
}

#
# What admins receive, and others don't
#

my $admin = $server->connect('1', role => 'admin');
$admin->send_json({ type => 'subscribe', payload => { types => ['alert'] } });
$admin->next_json;
my $user = $server->connect('2');
my $dispatcher = $server->dispatcher_pid;
my $overflows = check('queue_overflows', [ 3, '3.000' ], sub {
		return if $_[0];
		$server->stop_worker($dispatcher);
		$server->sql(join ' ', map { "INSERT INTO projects (name, description) VALUES ('p', repeat('x', 30000));" } 1 .. 10);
		kill 'CONT', $dispatcher;
	});
my ($raised) = grep { $_->{type} eq 'alert' } $admin->events_until(sub { $_[0]{type} eq 'alert' });
my ($cleared) = grep { $_->{type} eq 'alert' } $admin->events_until(sub { $_[0]{type} eq 'alert' });
is_deeply([ @$raised{qw(action payload)} ], [ 'raised', { name => 'queue_overflows', value => $overflows, threshold => 3, window => 2 } ], 'an admin receives it');
is_deeply([ @$cleared{qw(action payload)} ], [ 'cleared', { name => 'queue_overflows', value => 0, threshold => 3, window => 2 } ], '... and its end');
is(scalar(grep { $_->{type} eq 'alert' } $server->events_before_fence($user)), 0, 'others receive nothing of it');
isnt($node->psql('postgres', q{SELECT bugevents.send('alert', 'raised', '{"name": "forged"}', 'admin')}), 0, 'nobody can forge one');

#
# The others
#

my ($gateway) = $server->gateway_pids;
check('delivery_latency', [ '200ms', '0.200' ], sub {
		return if $_[0];
		kill 'STOP', $gateway;
		$server->sql("INSERT INTO projects (name) VALUES ('late')");
		my $at = $server->sql('SELECT max(at) FROM bugevents.journal');
		BugEvents::Server::wait_until(sub { $server->sql("SELECT clock_timestamp() > '$at'::timestamptz + '0.5 s'") eq 't' }, 'half a second');
		kill 'CONT', $gateway;
	});
$_->drop for $admin, $user;

# 30 clients of another stream make 900 errors a minute, in a window of 2 s.
check('error_rate', [ 60, '60.000' ], sub {
		return if $_[0];
		$server->connect('3', query => { since => 1, stream => '11111111-2222-3333-4444-555555555555' })->drop for 1 .. 30;
	});

my @clients;
check('connection_spike', [ 3, '3.000' ], sub {
		# Until what is usual is known, none is a spike.
		return if @clients || last_seq() == 0;
		push @clients, $server->connect('4') for 1 .. 101;
	}, sub { $_->drop for @clients; });

check('gateway_restarts', [ 1, '1.000' ], sub {
		return if $_[0];
		my @old = $server->gateway_pids;
		kill 'KILL', @old;
		$server->wait_new_gateway(@old);
	});

my $projector = $server->sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'bugevents projector'");
check('projector_lag', [ 100, '100.000' ], sub {
		return if $_[0];
		$server->stop_worker($projector);
		$server->sql("INSERT INTO projects (name) SELECT 'p' FROM generate_series(1, 150)");
	}, sub { kill 'CONT', $projector; });

check('consumer_lag', [ 100, '100.000' ], sub {
		return if $_[0];
		$server->sql("SELECT bugevents.set_consumer('late')");
		$server->sql("INSERT INTO projects (name) SELECT 'p' FROM generate_series(1, 150)");
	}, sub { $server->sql("SELECT bugevents.drop_consumer('late')") });

check('projector_stuck', [ '1s', '1.000' ], sub {
		return if $_[0];
		$server->stop_worker($projector);
		$server->sql("INSERT INTO projects (name) VALUES ('p')");
	}, sub { kill 'CONT', $projector; });

check('expression_errors', [ 1, '1.000' ], sub {
		return if $_[0];
		$server->sql('CREATE TABLE failing (id int PRIMARY KEY, name text, description text, n int, created_at int, updated_at int);'
			  . "SELECT bugevents.attach('failing', 'project', columns => '{\"description\": \"1 / row.n\"}'); INSERT INTO failing (id, n) VALUES (1, 0)");
	}, sub { });

# Those with a threshold of their own.
sub check_fixed
{
	my ($name, $cause, $cure) = @_;
	my $since = last_seq();

	$server->sql($cause);
	BugEvents::Server::wait_until(sub { (events($name, $since) // '') eq 'raised admin' }, "$name to be raised");
	$server->sql($cure) if $cure;
	BugEvents::Server::wait_until(sub { (events($name, $since) // '') eq 'raised admin, cleared admin' }, "$name to be cleared");
	pass("$name: raised, and cleared when it is over");
	return;
}
check_fixed('audiences_refused', q{CREATE TABLE told (id int PRIMARY KEY, name text, description text, created_at int, updated_at int);
	SELECT bugevents.attach('told', 'project', audience => 'row.name'); INSERT INTO told VALUES (1, 'nobody knows')});

# Nobody listens there.
check('delivery_outage', [ '1s', '1.000' ], sub {
		return if $_[0];
		$server->set('bugevents.smtp_url' => 'smtp://127.0.0.1:1', 'bugevents.smtp_from' => 'bugs@example.org');
		BugEvents::Server::wait_until(sub { $server->sql('SHOW bugevents.smtp_url') ne '' }, 'the channel');
		$server->sql("SELECT bugevents.test_delivery('email', 'ada\@example.org')");
	}, sub {
		is(($server->http('/ready'))[1], "ok, but: nothing gets out by email\n", '... and /ready says so, and goes on');
		$server->set('bugevents.smtp_url' => '');
	});

is(metric('journal_size'), 0, 'journal_size: on by default, and not raised');
check('journal_size', [ 80, '80.000' ], sub { $server->sql("INSERT INTO projects (name, description) VALUES ('p', repeat('x', 50000))"); },
	sub { $server->set('bugevents.retention_size' => '100MB'); });

#
# A dispatcher that dies leaves no alert raised, and a setting of 0 clears one.
#

my $overflow = sub {
	my $pid = $server->dispatcher_pid;

	$server->stop_worker($pid);
	$server->sql(join ' ', map { "INSERT INTO projects (name, description) VALUES ('p', repeat('x', 30000));" } 1 .. 10);
	kill 'CONT', $pid;
	BugEvents::Server::wait_until(sub { metric('queue_overflows') == 1 }, 'an alert');
};
$server->set('bugevents.alert_window' => '60s', 'bugevents.alert_queue_overflows' => 1);
BugEvents::Server::wait_until(sub { $server->sql('SHOW bugevents.alert_window') eq '1min' }, 'the window');
$overflow->();
my @old = $server->gateway_pids;
kill 'TERM', $server->dispatcher_pid;
$server->wait_new_gateway(@old);
is(metric('queue_overflows'), 0, 'a dispatcher that is new has raised nothing');
$overflow->();
$server->set('bugevents.alert_queue_overflows' => 0);
BugEvents::Server::wait_until(sub { metric('queue_overflows') == 0 }, 'it to be cleared');
pass('turned off, it is cleared at once');
$server->set('bugevents.alert_queue_overflows' => 1);
BugEvents::Server::wait_until(sub { $server->sql('SHOW bugevents.alert_queue_overflows') eq 1 }, 'the threshold');
$overflow->();
$server->set('bugevents.alert_window' => 0);
BugEvents::Server::wait_until(sub { metric('queue_overflows') == 0 }, 'it to be cleared');
pass('... as when all are');
$node->stop;
done_testing();
