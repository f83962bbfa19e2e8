# Who came and went, and what took too long, in the log; in plain lines and under jsonlog.
use strict;
use warnings;
use BugEvents::Server;
use JSON::PP;
use Test::More;

my $server = BugEvents::Server->start_new('logs', conf => <<~'END');
	bugevents.log_connections = on
	logging_collector = on
	log_destination = 'stderr,jsonlog'
	log_directory = 'log'
	log_filename = 'server.log'
	END
my $folder = $server->node->data_dir . '/log';

sub lines
{
	my ($file) = @_;

	open my $in, '<:raw', "$folder/$file" or return ();
	return grep { /bugevents (?:connection|slow delivery):/ } <$in>;
}

# The fields of the plain lines about a connection.
sub fields
{
	my ($id, $event) = @_;
	my ($line) = grep { /event=$event id=$id / } lines('server.log');

	return defined $line ? { $line =~ /(\w+)=("(?:[^"\\]|\\.)*"|\S+)/g } : undef;
}

sub wait_fields
{
	my @of = @_;
	BugEvents::Server::wait_until(sub { fields(@of) }, "@of");
	return fields(@of);
}

my $ws = $server->connect('42', role => 'admin');
my $id = $ws->{ready}{payload}{connection_id};
is_deeply(wait_fields($id, 'opened'), { event => 'opened', id => $id, user => '"42"', role => '"admin"', address => '127.0.0.1', gateway => 1 }, 'opened');
$ws->send_json({ type => 'ping' });
$ws->next_json;
$server->sql("INSERT INTO projects (name) VALUES ('p')");
$ws->next_event;
BugEvents::Server::wait_until(sub { $server->sql("SELECT sent FROM bugevents.connections WHERE id = '$id'") eq '1' }, 'the report');
$ws->send_close(1000);
$ws->wait_close;
my $closed = wait_fields($id, 'closed');
is("$closed->{sent} $closed->{received} $closed->{gateway}", '1 1 1', 'closed, with what went over it');
like($closed->{seconds}, qr/^\d+\.\d{3}$/, '... and how long');
is("$closed->{code} $closed->{reason}", '1000 ""', '... and how it ended');

# Ends that are errors.
for my $end (
	[ '1008 "maintenance"', sub { $server->sql("SELECT bugevents.disconnect('$_[0]', 'maintenance')") } ],
	[ '1009 "message_too_big"', sub { $_[1]->send_text('x' x 100000) } ],
	[ '1006 ""', sub { kill 'KILL', $server->gateway_pids } ])
{
	my ($wanted, $act) = @$end;
	my $one = $server->connect('43');
	my $its = $one->{ready}{payload}{connection_id};

	wait_fields($its, 'opened');
	$act->($its, $one);
	my $ended = wait_fields($its, 'closed');
	is("$ended->{code} $ended->{reason}", $wanted, "ended by $wanted");
	$one->drop;
	$server->wait_ready;
}

# A user id that would like to be two lines, or another field.
my $odd = qq{x" event=closed id=none \x{e9}\\};
my $strange = $server->connect($odd);
my $opened = wait_fields($strange->{ready}{payload}{connection_id}, 'opened');
is(decode_json("[$opened->{user}]")->[0], $odd, 'an odd user id is one field');
is(scalar(grep { !/connection: event=(opened|closed) id=[0-9a-f]{32} / } lines('server.log')), 0, 'no line begins in the middle of one');

# A gateway that stands still for a while, and what it then delivers.
sub slow { return grep { /slow delivery:/ } lines('server.log'); }
sub deliver_late
{
	my ($late) = @_;
	my ($gateway) = $server->gateway_pids;

	kill 'STOP', $gateway;
	$server->sql("INSERT INTO projects (name) VALUES ('late'), ('late, too')");
	my ($seq, $at) = split /\|/, $server->sql('SELECT seq, committed_at FROM bugevents.events() ORDER BY seq DESC OFFSET 1 LIMIT 1');
	BugEvents::Server::wait_until(sub { $server->sql("SELECT clock_timestamp() > '$at'::timestamptz + '$late'") eq 't' }, $late);
	kill 'CONT', $gateway;
	$server->events_before_fence($strange);
	return $seq;
}
deliver_late('1.3 s');
$server->set('bugevents.log_slow_delivery', '1s');
BugEvents::Server::wait_until(sub { $server->sql('SHOW bugevents.log_slow_delivery') eq '1s' }, 'the setting');
my $seq = deliver_late('1.3 s');
BugEvents::Server::wait_until(sub { slow() > 0 }, 'the line');
my ($line) = slow();
like($line, qr/LOG:  bugevents slow delivery: seq=$seq seconds=\d+\.\d{3} clients=1 gateway=1 events=[23]$/, 'a slow delivery');
my ($seconds) = $line =~ /seconds=(\S+)/;
cmp_ok($seconds, '>', 1.3, '... and how long it took');
cmp_ok($seconds, '<', $BugEvents::Server::TIMEOUT, '... in seconds');
is(scalar slow(), 1, '... not those that were late before it was asked for');

# The same under jsonlog.
my @json = map { decode_json($_) } lines('server.json');
my ($entry) = grep { $_->{message} =~ /event=opened id=$id / } @json;
is_deeply([ @$entry{qw(error_severity backend_type)} ], [ 'LOG', 'bugevents dispatcher' ], 'jsonlog: severity and process');
like($entry->{message}, qr/^bugevents connection: event=opened id=$id user="42" role="admin" address=127\.0\.0\.1 gateway=1$/, '... and the message');

# Off: no more of it.
$server->set('bugevents.log_connections', 'off', 'bugevents.log_slow_delivery', '-1');
BugEvents::Server::wait_until(sub {
		my $count = lines('server.log');
		my $quiet = $server->connect('7');
		my $known = $server->sql("SELECT count(*) FROM bugevents.connections WHERE user_id = '7'");
		my $after = lines('server.log');
		$quiet->drop;
		return $known && $after == $count;
	}, 'quiet');
pass('off: nobody is logged');
my $delivered = $server->sql(q{SELECT value FROM bugevents.stats WHERE name = 'bugevents_events_delivered_total'});
deliver_late('1.3 s');
BugEvents::Server::wait_until(sub { $server->sql(q{SELECT value FROM bugevents.stats WHERE name = 'bugevents_events_delivered_total'}) >= $delivered + 3 },
	'what the gateway tells behind it');
is(scalar slow(), 1, '... and nothing is slow');
done_testing();
