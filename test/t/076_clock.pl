# Reminders when the clock is set.
use strict;
use warnings;
use BugEvents::Projector qw(caught_up);
use BugEvents::Server;
use PostgreSQL::Test::Utils;
use Test::More;

use constant DAY => 86400;

# The worker looks at the clock once a minute.
$BugEvents::Server::TIMEOUT = 120;
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
my $server = BugEvents::Server->new('clock', projector => 1);
{
	local $ENV{LD_PRELOAD} = "$folder/clock.so";
	local $ENV{BUGEVENTS_TEST_CLOCK} = $clock;
	$server->node->start;
}
$server->create;
my $today = $server->sql('SELECT extract(epoch FROM now())::bigint');

sub sent { return $server->sql("SELECT coalesce(string_agg(message, ',' ORDER BY id), '') FROM (SELECT n.id, bug_report_id AS message FROM bugevents.notifications AS n WHERE type = 'reminder_sent') AS s"); }
sub pid { my ($name) = @_; return $server->sql("SELECT coalesce(max(pid), 0) FROM pg_stat_activity WHERE backend_type = 'bugevents $name'"); }

# What the worker hears of makes it look.
sub wake { $server->sql("INSERT INTO bug_reports (title, creator_id) VALUES ('wake up', 1)"); caught_up($server); return; }

$server->sql(<<~'END');
	INSERT INTO users (username) VALUES ('ada');
	INSERT INTO bug_reports (title, creator_id) VALUES ('once', 1), ('daily', 1);
	SELECT bugevents.remind('1', now() + interval '12 hours', '1'), bugevents.remind('2', now() + interval '12 hours', '1', '1 day');
	END
caught_up($server);
is(sent(), '', 'they are due tomorrow');

# Forward, while the worker sleeps; nothing happens that would wake it.
set_clock(DAY);
cmp_ok($server->sql('SELECT extract(epoch FROM now())::bigint') - $today, '>=', DAY, 'the clock is set to tomorrow');
BugEvents::Server::wait_until(sub { sent() eq '1,2' }, 'them to be sent');
pass('what became due when the clock was set is sent within a minute');

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

# Workers are looked after by a clock that was set back, too.
my $projector = pid('projector');
set_clock(0);
kill 'TERM', $projector;
BugEvents::Server::wait_until(sub { my $now = pid('projector'); $now != 0 && $now != $projector }, 'another projector');
pass('a worker that ends when the clock was set back is started again');
$server->sql("SELECT bugevents.remind('1', clock_timestamp(), '1')");
BugEvents::Server::wait_until(sub { sent() eq '1,2,2,1' }, 'a reminder');
pass('... and goes on');
done_testing();
