# Reminders and deliveries when the clock is set.
use strict;
use warnings;
use BugEvents::Outside;
use BugEvents::Projector qw(caught_up);
use BugEvents::Server;
use PostgreSQL::Test::Utils;
use Test::More;

use constant DAY => 86400;

my $folder = PostgreSQL::Test::Utils::tempdir;
my $clock = "$folder/clock";
system('cc', '-shared', '-fPIC', '-O1', '-o', "$folder/clock.so", 'test/clock/clock.c') == 0 or die 'the clock does not build';

sub set_clock
{
	my ($seconds) = @_;

	append_to_file("$clock.new", "$seconds\n");
	rename "$clock.new", $clock or die $!;
	return;
}

set_clock(0);
my $outside = BugEvents::Outside->start;
my $server = BugEvents::Server->new('clock', projector => 1, conf => $outside->conf . "bugevents.retry_delay = 20ms\n");
{
	local $ENV{LD_PRELOAD} = "$folder/clock.so";
	local $ENV{BUGEVENTS_TEST_CLOCK} = $clock;
	$server->node->start;
}
$server->create;
my $today = $server->sql('SELECT extract(epoch FROM now())::bigint');

sub sent { return $server->sql("SELECT coalesce(string_agg(message, ',' ORDER BY id), '') FROM (SELECT n.id, bug_report_id AS message FROM bugevents.notifications AS n WHERE type = 'reminder_sent') AS s"); }
sub pid { my ($name) = @_; return $server->sql("SELECT coalesce(max(pid), 0) FROM pg_stat_activity WHERE backend_type = 'bugevents $name'"); }

sub state_of { my ($delivery) = @_; return $server->sql("SELECT state FROM bugevents.deliveries WHERE id = $delivery"); }
sub arrived { my ($delivery) = @_; my $key = $server->sql("SELECT key FROM bugevents.deliveries WHERE id = $delivery"); return scalar grep { ($_->{headers}{'webhook-id'} // '') eq $key } $outside->accepted; }

# What the worker hears of makes it look.
sub wake { $server->sql("INSERT INTO bug_reports (title, creator_id) VALUES ('wake up', 1)"); caught_up($server); return; }

$server->sql(<<~'END');
	INSERT INTO users (username) VALUES ('ada');
	INSERT INTO bug_reports (title, creator_id) VALUES ('once', 1), ('daily', 1);
	SELECT bugevents.remind('1', now() + interval '12 hours', '1'), bugevents.remind('2', now() + interval '12 hours', '1', '1 day');
	END
caught_up($server);
my $delivery = $server->sql("INSERT INTO bugevents.deliveries (channel, address, next_attempt_at) VALUES ('webhook', '', now() + interval '6 hours') RETURNING id");
is(sent(), '', 'they are due tomorrow');
BugEvents::Server::wait_until(sub { $server->sql("SELECT string_agg(DISTINCT state, ' ' ORDER BY state) FROM bugevents.deliveries") eq 'sent waiting' }, 'what is due now');

# Forward, while the workers sleep; nothing happens that would wake one: first the courier, which
# the projector would wake.
set_clock(DAY * 3 / 8);
BugEvents::Server::wait_until(sub { state_of($delivery) eq 'sent' }, 'the webhook');
pass('a delivery that became due when the clock was set is sent within a minute');
set_clock(DAY);
cmp_ok($server->sql('SELECT extract(epoch FROM now())::bigint') - $today, '>=', DAY, 'the clock is set to tomorrow');
BugEvents::Server::wait_until(sub { sent() eq '1,2' }, 'them to be sent');
pass('... so is a reminder');

# Back: nothing is sent again, today or when the same moment comes again.
set_clock(0);
wake();
is(sent(), '1,2', 'set back: nothing is sent again');
set_clock(DAY);
wake();
is(sent(), '1,2', '... nor when that time comes a second time');
set_clock(2 * DAY);
wake();
BugEvents::Server::wait_until(sub { sent() eq '1,2,2' }, 'the next one');
is(sent(), '1,2,2', 'the next day: what repeats');
is(arrived($delivery), 1, '... and what was delivered is not delivered again');

# What ends is started again, also when it was started at a time that is to come.
sub end_all
{
	my ($when) = @_;
	my %old = map { $_ => pid($_) } qw(courier projector);
	my ($carrier) = $server->carrier_pids;

	kill 'KILL', $carrier;
	BugEvents::Server::wait_until(sub { my ($now) = $server->carrier_pids; $now && $now != $carrier }, 'another carrier');
	pass("a carrier that ends is started again $when");
	kill 'TERM', values %old;
	for my $name (sort keys %old)
	{
		BugEvents::Server::wait_until(sub { my $now = pid($name); $now != 0 && $now != $old{$name} }, "another $name");
		pass("... so is a $name");
	}
	BugEvents::Server::wait_until(sub { $server->carrier_pids }, 'its carrier');
	return;
}

end_all('when the clock was set forward');
set_clock(0);
end_all('when it was set back');
$server->sql("SELECT bugevents.remind('1', clock_timestamp(), '1')");
BugEvents::Server::wait_until(sub { sent() eq '1,2,2,1' }, 'a reminder');
pass('reminders go on');
$delivery = $server->sql("SELECT bugevents.test_delivery('webhook')");
BugEvents::Server::wait_until(sub { state_of($delivery) eq 'sent' }, 'a webhook');
pass('... so do deliveries');
done_testing();
