# The alerts and the dashboard that are shipped: valid, and about metrics that exist.
use strict;
use warnings;
use BugEvents::Server;
use IPC::Run;
use JSON::PP;
use Test::More;

sub runs
{
	my ($what, @command) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run(\@command, '>', \$out, '2>', \$err);
	is($? >> 8, 0, $what) or diag $out, $err;
	return;
}

sub content { my ($file) = @_; local (@ARGV, $/) = $file; return scalar <>; }

runs('promtool check rules', qw(promtool check rules monitoring/bugevents.rules.yml));
runs('promtool test rules', qw(promtool test rules monitoring/test/rules.yml));

my $server = BugEvents::Server->start_new('monitoring', projector => 1, conf => "bugevents.retention_size = '1GB'\nbugevents.smtp_url = 'smtp://127.0.0.1:1'\nbugevents.smtp_from = 'bugs\@example.org'\n");
my $ws = $server->connect('1');
$server->sql("INSERT INTO projects (name) VALUES ('p')");
$server->events_before_fence($ws);
BugEvents::Server::wait_until(sub { ($server->http('/metrics'))[1] =~ /^bugevents_projector_lag_seq /m }, 'the projector');
my (undef, $metrics) = $server->http('/metrics');
my %there = map { $_ => 1 } $metrics =~ /^([a-z_]+)/mg;
my $dashboard = decode_json(content('monitoring/grafana-dashboard.json'));
my @expressions = (content('monitoring/bugevents.rules.yml'), map { $_->{expr} } map { @{ $_->{targets} } } @{ $dashboard->{panels} });
my %used = map { $_ => 1 } map { /\b(bugevents_[a-z_]+)\b(?!\.)/g } map { s/"[^"]*"//gr } @expressions;
delete $used{bugevents_};
is(join(' ', grep { !$there{$_} } sort keys %used), '', 'alerts and dashboard use metrics that exist');
my @unused = grep { /_(total|bytes|seconds_bucket|clients|connections)$/ && !$used{$_} } sort keys %there;
is("@unused", '', '... and the dashboard leaves none out');
is(scalar(grep { !@{ $_->{targets} } } @{ $dashboard->{panels} }), 0, 'every panel shows something');
like($metrics, qr/^bugevents_journal_bytes_limit 1073741824$/m, 'the bound of the journal');
like($metrics, qr/^bugevents_gateway_restarts_total 0$/m, 'no gateway was started again');

$ws->send_json({ type => 'get', id => 1, payload => { type => 'project', id => 1 } });
$ws->wait_for(sub { $_[0]{type} eq 'reply' });

# The workers in pg_stat_activity, under their names, and that they wait for something to do.
my @workers = map { "bugevents $_" } qw(courier dispatcher lookup projector responder);
sub workers { return $server->sql("SELECT string_agg(application_name, ',' ORDER BY application_name) FROM pg_stat_activity WHERE backend_type LIKE 'bugevents%' AND $_[0]"); }
BugEvents::Server::wait_until(sub { workers("application_name = backend_type AND wait_event_type IN ('Extension', 'IPC')") eq join(',', @workers) },
	'the workers to wait', sub { $server->sql("SELECT * FROM pg_stat_activity WHERE backend_type LIKE 'bugevents%'") });
pass('pg_stat_activity names the workers, and that they wait');

# Each event of the journal is counted under its own name, those that the projector makes too.
$server->sql(q{
	INSERT INTO users (username) VALUES ('ada'), ('bob');
	INSERT INTO bug_reports (title, assignee_id, creator_id) SELECT 'bug ' || n, 1, 2 FROM generate_series(1, 3) n;
	UPDATE bug_reports SET status = 'closed', priority = 'high';
	INSERT INTO comments (bug_report_id, user_id, content) VALUES (1, 2, 'x'), (2, 1, 'x');
	SELECT bugevents.watch('3', '1'); SELECT bugevents.unwatch('3', '1')});
sub counted
{
	return $server->sql(q{SELECT string_agg(labels || value, ' ' ORDER BY labels COLLATE "C") FROM bugevents.stats
		WHERE name = 'bugevents_events_captured_total' AND labels NOT LIKE '%other%'});
}
sub journalled
{
	return $server->sql(q{SELECT string_agg(labels || n, ' ' ORDER BY labels COLLATE "C") FROM
		(SELECT format('type="%s",action="%s"', type, action) AS labels, count(*) AS n FROM bugevents.events(0, 1000000)
		  WHERE action NOT IN ('attached', 'detached') AND type <> 'fence' GROUP BY type, action) AS kinds});
}
BugEvents::Server::wait_until(sub { journalled() =~ /comment_added/ && counted() eq journalled() }, 'the counts of the journal',
	sub { counted() . "\n" . journalled() });
like(counted(), qr/type="notification",action="$_"/, "... $_") for qw(bug_assigned comment_added priority_changed status_changed welcome);

kill 'KILL', $server->gateway_pids;
$server->wait_ready;
like(($server->http('/metrics'))[1], qr/^bugevents_gateway_restarts_total 1$/m, '... and now one was');
done_testing();
