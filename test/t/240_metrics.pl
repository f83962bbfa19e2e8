# The metrics: by HTTP and by SQL the same, in the form that Prometheus wants.
use strict;
use warnings;
use BugEvents::Server;
use IPC::Run;
use Test::More;

my $server = BugEvents::Server->start_new('metrics', conf => "bugevents.gateways = 2\nautovacuum = off\n");

sub scrape { my ($status, $body) = $server->http('/metrics'); return { status => $status, body => $body }; }
sub value
{
	my ($name, $labels) = @_;

	return $server->sql("SELECT value FROM bugevents.stats WHERE name = '$name' AND labels = '" . ($labels // '') . "'");
}
sub wait_value
{
	my ($wanted, @of) = @_;

	BugEvents::Server::wait_until(sub { (value(@of) || 0) == $wanted }, "@of to be $wanted");
	pass("@of: $wanted");
	return;
}

my @clients = map { $server->connect("$_") } 1 .. 4;
wait_value(4, 'bugevents_connections');
wait_value(4, 'bugevents_connections_total');
$server->sql("INSERT INTO projects (name) SELECT 'p' || g FROM generate_series(1, 10) g");
$server->sql("UPDATE projects SET name = 'q' WHERE id <= 3; SELECT bugevents.send('build', 'done', '{}')");
$server->events_before_fence($_) for @clients;
is(value('bugevents_events_captured_total', 'type="project",action="created"'), 10, 'captured events, by type and action');
is(value('bugevents_events_captured_total', 'type="project",action="updated"'), 3, '... others');
cmp_ok(value('bugevents_events_captured_total', 'type="other",action="other"'), '>=', 1, '... custom ones together');
my $captured = $server->sql(q{SELECT sum(value) FROM bugevents.stats WHERE name = 'bugevents_events_captured_total' AND labels NOT LIKE '%attached%'});
my $journal = $server->sql('SELECT sum(n) FROM bugevents.journal');
is($captured, $journal, 'all that is in the journal was captured');
BugEvents::Server::wait_until(sub { value('bugevents_events_delivered_total') >= 4 * 14 }, 'the deliveries of both gateways');
pass('deliveries of both gateways');
BugEvents::Server::wait_until(sub { value('bugevents_delivery_seconds_count') >= 14 }, 'the histogram');
cmp_ok(value('bugevents_delivery_seconds_sum'), '>', 0, 'the delay from commit to socket');
is(value('bugevents_delivery_seconds_bucket', 'le="+Inf"'), value('bugevents_delivery_seconds_count'), 'the last bucket holds all');
cmp_ok(value('bugevents_delivery_seconds_bucket', 'le="1"'), '>=', 1, 'most are below a second');

# A client that goes; one that lags.
$clients[0]->send_close(1001);
$clients[0]->wait_close;
wait_value(1, 'bugevents_disconnects_total', 'code="1001"');
wait_value(3, 'bugevents_connections');
$_->drop for @clients;
my $slow = $server->connect('9', rcvbuf => 4096);
$server->sql("INSERT INTO projects (name, description) SELECT 'x', repeat('x', 100000) FROM generate_series(1, 300)");
wait_value(1, 'bugevents_lagging_clients');
$slow->drop;
wait_value(0, 'bugevents_lagging_clients');

# What a gateway that dies had counted stays.
my $total = value('bugevents_events_delivered_total');
kill 'KILL', ($server->gateway_pids)[0];
cmp_ok(value('bugevents_events_delivered_total'), '>=', $total, 'the count of a gateway that died stays');
wait_value(1, 'bugevents_gateway_restarts_total');
$server->wait_ready;

# By HTTP: the same metrics, and promtool has nothing to say against them.
my $response = scrape();
is($response->{status}, 200, 'GET /metrics');
my %http = $response->{body} =~ /^([a-z_]+(?:\{[^}]*\})?) (\S+)$/mg;
my %sql = map { my ($name, $labels, $value) = split /\|/; ($name . ($labels ? "{$labels}" : '') => $value) } split /\n/, $server->sql('SELECT * FROM bugevents.stats');
is_deeply([ sort keys %http ], [ sort keys %sql ], 'the same metrics as bugevents.stats');
my @stable = grep { !/bytes|seconds|received|connections|security/ } keys %sql;
is_deeply({ map { $_ => 0 + $http{$_} } @stable }, { map { $_ => 0 + $sql{$_} } @stable }, '... with the same values');
my ($out, $err) = ('', '');
IPC::Run::run([ 'promtool', 'check', 'metrics' ], '<', \$response->{body}, '>', \$out, '2>', \$err);
is($? >> 8, 0, 'promtool check metrics') or diag $out, $err;
is($out . $err, '', '... finds nothing to complain about');

# Those that the contract names are there.
my @families = $response->{body} =~ /^# TYPE (\S+)/mg;
for my $name (qw(connections connections_total disconnects_total auth_failures_total events_captured_total events_delivered_total
	bytes_sent_total messages_received_total errors_total delivery_seconds queue_bytes queue_overflows_total journal_bytes
	journal_oldest_seconds resumes_total lagging_clients))
{
	ok((grep { $_ eq "bugevents_$name" } @families), "bugevents_$name");
}

done_testing();
