# Whatever somebody locks, and whichever gateways go: those who need it not go on.
use strict;
use warnings;
use BugEvents::Server;
use Test::More;
use Time::HiRes qw(time usleep);

my $server = BugEvents::Server->start_new('locks', conf => <<~'END');
	bugevents.retention = 1h
	bugevents.request_timeout = 1s
	END
$server->sql(<<~'END');
	INSERT INTO users (username) SELECT 'user ' || i FROM generate_series(1, 9) i;
	INSERT INTO bugevents.notifications (type, user_id, message) SELECT 'welcome', i::text, 'hello' FROM generate_series(1, 9) i;
	END
my $bystander = $server->connect('1');
my $locker = $server->session;
my $writer = $server->session;
my $n = 0;

sub metric { return $server->sql("SELECT value FROM bugevents.stats WHERE name = 'bugevents_$_[0]'"); }

# Who waits for one of these locks waits until it is let go of, and for a gateway that is stopped three
# seconds; a machine that is busy may stand still for more than one.
my $bound = 2;

# The worst time from an INSERT to the bystander, for some seconds.
sub worst_delay
{
	my ($seconds) = @_;
	my $end = time + $seconds;
	my $worst = 0;

	while (time < $end)
	{
		my $mark = 'event ' . ++$n;
		my $began = time;

		$writer->query_safe("INSERT INTO projects (name) VALUES ('$mark')");
		$bystander->wait_for(sub { $_[0]{type} eq 'project' && $_[0]{payload}{name} eq $mark });
		$worst = time - $began if time - $began > $worst;
		usleep(10_000);
	}
	return $worst;
}

# Longer than the dispatcher looks at everything: a second.
sub undisturbed
{
	my ($what, $sql) = @_;

	$locker->query_safe("BEGIN; $sql");
	cmp_ok(worst_delay(2.5), '<', $bound, "$what holds up nobody");
	return;
}

sub over { $locker->query_safe('ROLLBACK'); return; }

cmp_ok(worst_delay(1), '<', $bound, 'all is quiet');
my ($empty) = grep { $server->sql("SELECT count(*) FROM bugevents.$_") == 0 } qw(journal_1 journal_2);
my $skips = metric('dispatcher_skips_total');
undisturbed('a lock on an empty segment of the journal', "LOCK bugevents.$empty");
over();
cmp_ok(metric('dispatcher_skips_total'), '>', $skips, '... which a metric tells');
undisturbed('an index of the journal that is built anew', "REINDEX INDEX bugevents.${empty}_pkey");
over();
undisturbed('a lock on the row of the stream', 'LOCK bugevents.stream');
over();

# Newcomers wait, nobody else.
sub newcomers { return map { $server->connect($_, raw => 1) } @_; }

undisturbed('a lock on notifications', 'LOCK bugevents.notifications');
my @came = newcomers(2);
cmp_ok(worst_delay(1), '<', $bound, '... with a newcomer, who is looked up');
ok($came[0]->wait_for(sub { $_[0]{type} eq 'connection' }), '... and is let in without their number');
over();
undisturbed('an index of notifications that is built anew', 'REINDEX INDEX bugevents.notifications_unread');
push @came, newcomers(3);
cmp_ok(worst_delay(1), '<', $bound, '... with a newcomer');
over();
undisturbed('a lock on the table of users', 'LOCK users');
my @late = newcomers(4, 5);
cmp_ok(worst_delay(2), '<', $bound, '... with two newcomers');
over();
is($_->wait_for(sub { $_[0]{type} eq 'connection' || $_[0]{type} eq 'error' })->{action}, 'ready', 'who waited for it is let in then') for @late;
undisturbed('a long lock on the table of users', 'LOCK users');
@late = newcomers(6);
is($late[0]->wait_for(sub { $_[0]{type} eq 'connection' || $_[0]{type} eq 'error' })->{type}, 'error', 'who waits for too long is refused');
over();

# What is attached is read from the catalog of triggers: as it was is as it is while that is locked.
sub title { $bystander->send_json({ type => 'get', id => ++$n, payload => { type => 'project', id => 1 } });
	return $bystander->wait_for(sub { ($_[0]{id} // '') eq $n })->{payload}{name}; }
my $title = title();
undisturbed('a lock on pg_trigger', 'LOCK pg_trigger');
is(title(), $title, '... who asks for a row gets it');
over();

# Gateways that are taken away.
my $log = $server->log_size;
my ($first) = $server->gateway_pids;
$server->set('bugevents.gateways' => 8);
$server->wait_log(qr/bugevents gateway $_ listening/, $log) for 2 .. 8;
my @clients = map { $server->connect('1') } 1 .. 24;
my %gateway = split /[|\n]/, $server->sql('SELECT id, gateway FROM bugevents.connections');
($bystander) = grep { $gateway{ $_->{ready}{payload}{connection_id} } == 1 } $bystander, @clients;
my ($stopped) = grep { $_ != $first } $server->gateway_pids;
kill 'STOP', $stopped;
$server->set('bugevents.gateways' => 1);
cmp_ok(worst_delay(4), '<', $bound, 'gateways that go hold up nobody');
BugEvents::Server::wait_until(sub { $server->gateway_pids == 1 }, 'one gateway');
pass('... and go, even one that is stopped');
$server->set('bugevents.gateways' => 2);
BugEvents::Server::wait_until(sub { $server->gateway_pids == 2 }, 'two gateways');
cmp_ok(metric('dispatcher_longest_turn_seconds'), '>', 0, 'a metric tells of the longest turn');
cmp_ok(metric('dispatcher_longest_turn_seconds'), '<', 2, '... which was not one of those');
cmp_ok(metric('dispatcher_longest_turn_cpu_seconds'), '<', 0.05, '... and of the work in one');

$locker->quit;
$writer->quit;
$server->node->stop;
done_testing();
