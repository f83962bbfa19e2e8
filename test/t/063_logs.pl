# Who came and went, in the log; in plain lines and under jsonlog.
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
	return grep { /bugevents connection:/ } <$in>;
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

# A user id that would like to be two lines, or another field.
my $odd = qq{x" event=closed id=none \x{e9}\\};
my $strange = $server->connect($odd);
my $opened = wait_fields($strange->{ready}{payload}{connection_id}, 'opened');
is(decode_json("[$opened->{user}]")->[0], $odd, 'an odd user id is one field');
is(scalar(grep { !/event=(opened|closed) id=[0-9a-f]{32} / } lines('server.log')), 0, 'no line begins in the middle of one');

# The same under jsonlog.
my @json = map { decode_json($_) } lines('server.json');
my ($entry) = grep { $_->{message} =~ /event=opened id=$id / } @json;
is_deeply([ @$entry{qw(error_severity backend_type)} ], [ 'LOG', 'bugevents dispatcher' ], 'jsonlog: severity and process');
like($entry->{message}, qr/^bugevents connection: event=opened id=$id user="42" role="admin" address=127\.0\.0\.1 gateway=1$/, '... and the message');

# Off: no more of it.
$server->set('bugevents.log_connections', 'off');
BugEvents::Server::wait_until(sub {
		my $count = lines('server.log');
		my $quiet = $server->connect('7');
		my $known = $server->sql("SELECT count(*) FROM bugevents.connections WHERE user_id = '7'");
		my $after = lines('server.log');
		$quiet->drop;
		return $known && $after == $count;
	}, 'quiet');
pass('off: nobody is logged');
done_testing();
