# The server pings; who does not answer is dropped, who does stays.
use strict;
use warnings;
use BugEvents::Server;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(time);

my $server = BugEvents::Server->start_new('ping', conf => <<~'END');
	bugevents.ping_interval = '300ms'
	bugevents.connection_timeout = '4s'
	END

my $alive = $server->connect('1');
my $dead = $server->connect('2', auto_pong => 0);
is($alive->{ready}{payload}{ping_interval} * 1, 0.3, 'ready says how often') or note explain $alive->{ready};
cmp_ok($alive->wait_pings(3), '>=', 3, 'an idle client is pinged again and again');

# The one that answers nothing is dropped, the other is not.
my $began = time;
my @messages;
# The one that answers is to be heard meanwhile.
until ($dead->{eof} || time - $began > 60)
{
	$alive->wait_pings($alive->pings + 1);
	eval { $dead->wait_close(0.1, \@messages) };
}
ok($dead->{eof}, 'a peer that does not answer is dropped');
cmp_ok($dead->pings, '>=', 1, '... after it was pinged');
cmp_ok(time - $began, '<', 60, '... soon');
$alive->wait_pings($alive->pings + 3);
$server->sql("INSERT INTO projects (name) VALUES ('p')");
is($alive->next_event->{payload}{name}, 'p', 'one that answers stays');

# Data from the client is a sign of life as good as a pong.
my $talking = $server->connect('3', auto_pong => 0);
$began = time;
for my $i (1 .. 1000)
{
	last if time - $began > 9;
	$talking->send_json({ type => 'ping', id => $i });
	$talking->wait_for(sub { ($_[0]{id} // '') eq $i });
	select(undef, undef, undef, 0.1);	# the time of the test itself, not a wait
}
ok(!$talking->{eof}, 'a client that talks stays, though it never pongs');

# A connection that sends nothing, or half a request, does not stay for ever.
for my $case ([ 'nothing', '' ], [ 'half a request', "GET /ws HTTP/1.1\r\nHost: x\r\nUpg" ])
{
	my ($what, $bytes) = @$case;
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server->port) or die $!;

	$socket->syswrite($bytes) if length $bytes;
	my $answer = '';
	my $deadline = time + $BugEvents::Server::TIMEOUT;
	my $ended = 0;
	while (time < $deadline)
	{
		next if !IO::Select->new($socket)->can_read(1);
		my $n = $socket->sysread($answer, 4096, length $answer);
		$ended = 1, last if !$n;
	}
	ok($ended, "a connection that sends $what is ended");
	unlike($answer, qr/^HTTP\/1.1 101/, '... without an upgrade');
}

# With a reload: no pings at all.
$server->set('bugevents.ping_interval' => 0, 'bugevents.connection_timeout' => '1min');
BugEvents::Server::wait_until(sub {
		my $ws = $server->connect('4');
		return $ws->{ready}{payload}{ping_interval} == 0;
	}, 'the reload');
my $quiet = $server->connect('5');
is(scalar $server->events_before_fence($quiet), 0, 'a quiet connection works');
is($quiet->pings, 0, '... without pings');
done_testing();
