# The courier and its processes end at the worst moments: what was sent is not sent again.
use strict;
use warnings;
use BugEvents::Outside;
use BugEvents::Server;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $outside = BugEvents::Outside->start;

# With the least that an operator may ask of commits.
my $server = BugEvents::Server->start_new('once', conf => <<~"END");
	@{[ $outside->conf ]}
	bugevents.retry_delay = 20ms
	synchronous_commit = off
	wal_writer_delay = 10s
	restart_after_crash = on
	END

sub courier { return eval { $server->sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'bugevents courier'") } // ''; }
sub state_of { my ($address) = @_; return eval { $server->sql("SELECT state FROM bugevents.deliveries WHERE address = '$address'") } // ''; }
sub mail { my ($address) = @_; $server->sql("SELECT bugevents.test_delivery('email', '$address')"); return; }

sub wait_state
{
	my ($address, $state) = @_;

	BugEvents::Server::wait_until(sub { state_of($address) eq $state }, "$address to be $state", sub { state_of($address) });
	return;
}

mail('first@example.org');
wait_state('first@example.org', 'sent');

# Killed when a mail is accepted and before that is known: who talks to the outside ends it and says so.
$outside->behave(mail => 'slow');
mail('between@example.org');
wait_state('between@example.org', 'sending');
BugEvents::Server::wait_until(sub { -e $outside->file('slow') }, 'the mail to be under way');
my $killed = courier();
kill 'KILL', $killed;
BugEvents::Server::wait_until(sub { courier() ne $killed }, 'the courier to end');
$outside->behave();
wait_state('between@example.org', 'sent');
is(scalar($outside->mails_to('between@example.org')), 1, 'a courier that is killed in the middle of a mail: it is sent once');
is($server->sql("SELECT attempts FROM bugevents.deliveries WHERE address = 'between\@example.org'"), '1', '... and that is known');

# Killed at once when it was accepted: that it was begun is on disk.
for my $round (1 .. 3)
{
	my $pid = courier();
	mail("crash$round\@example.org");
	BugEvents::Server::wait_until(sub { $outside->mails_to("crash$round\@example.org") }, 'the mail');
	kill 'KILL', $pid;
	# The server may still answer when it hasn't noticed.
	BugEvents::Server::wait_until(sub { my $now = courier(); $now ne '' && $now ne $pid }, 'another courier');
	wait_state("crash$round\@example.org", 'sent');
	is(scalar($outside->mails_to("crash$round\@example.org")), 1, 'killed when it was accepted: it is sent once');
}

# Nobody to send; the rows are as a courier leaves them that ends in the middle.
sub stop_courier
{
	$server->set('bugevents.enabled', 'off');
	BugEvents::Server::wait_until(sub { courier() eq '' && $server->sql('SHOW bugevents.enabled') eq 'off' }, 'no courier');
	return;
}

sub leave { my ($address, $more) = @_; $server->sql("INSERT INTO bugevents.deliveries (channel, address, state, attempts, sent_with) VALUES ('email', '$address', 'sending', 1, $more)"); return; }

stop_courier();
leave('known@example.org', 'NULL');
leave('orphan@example.org', '999999');
$server->set('bugevents.enabled', 'on');
wait_state('known@example.org', 'sent');
pass('what the ledger has nothing of was not begun, and is sent');
wait_state('orphan@example.org', 'uncertain');
pass('what went in a mail whose own delivery is deleted may have gone');

stop_courier();
my $ledger = $server->node->data_dir . '/bugevents_courier.ledger';
append_to_file("$ledger.copy", slurp_file($ledger));
rename "$ledger.copy", $ledger or die $!;
leave('copied@example.org', 'NULL');
$server->set('bugevents.enabled', 'on');
wait_state('copied@example.org', 'uncertain');
is(scalar($outside->mails_to('copied@example.org')), 0, 'a copy of the ledger is not believed: it lacks what was written later');

# Somebody else holds a row.
my $blocker = $server->session;
BugEvents::Server::wait_until(sub { courier() }, 'the courier');
my $pid = courier();
$server->stop_worker($pid);
mail('held@example.org');
$blocker->query_safe("BEGIN; SELECT FROM bugevents.deliveries WHERE address = 'held\@example.org' FOR UPDATE");
kill 'CONT', $pid;
mail('beside@example.org');
wait_state('beside@example.org', 'sent');
sub ticks { my @stat = split ' ', slurp_file("/proc/$pid/stat") =~ s/^.*\) //sr; return $stat[11] + $stat[12]; }
my ($began, $before) = (time, ticks());
BugEvents::Server::wait_until(sub { time > $began + 2 }, 'two seconds');
cmp_ok(ticks() - $before, '<', 60, 'a row that is locked does not keep the courier busy');
$blocker->query_safe('COMMIT');
wait_state('held@example.org', 'sent');

# Somebody else holds the table: it waits, ends when it is told to, and goes on when that is over.
mail('locked@example.org');
$blocker->query_safe('BEGIN; LOCK TABLE bugevents.deliveries');
sub waits { return $server->sql('SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = ' . courier()); }
BugEvents::Server::wait_until(sub { waits() }, 'the courier to wait');
my $log = $server->log_size;
$pid = courier();
$began = time;
$server->sql("SELECT pg_terminate_backend($pid)");
BugEvents::Server::wait_until(sub { !BugEvents::Server::process_exists($pid) }, 'its end');
cmp_ok(time - $began, '<', 5, 'a lock on its table does not hold up its end');
unlike($server->log_since($log), qr/(?:ERROR|FATAL):.*canceling/, '... without an error');
$blocker->query_safe('COMMIT');
$blocker->quit;
BugEvents::Server::wait_until(sub { $server->sql("SELECT state IN ('sent', 'uncertain') FROM bugevents.deliveries WHERE address = 'locked\@example.org'") eq 't' }, 'what was under way to be settled');

# What nobody can be sent by.
$server->set('bugevents.smtp_url', '');
BugEvents::Server::wait_until(sub { $server->sql('SHOW bugevents.smtp_url') eq '' }, 'the reload');
my $error = '';
$server->node->psql('postgres', "SELECT bugevents.test_delivery('email', 'x\@example.org')", stderr => \$error);
like($error, qr/nothing is sent by channel "email".*HINT:\s+Set bugevents\.smtp_url\./s, 'a test of a channel that is off says so');
done_testing();
