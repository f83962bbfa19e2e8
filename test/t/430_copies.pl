# Copies: of the data directory, and what is restored from a dump.  Neither sends what the original
# sends, publishes what was published, or forgets a reminder.
use strict;
use warnings;
use BugEvents::Outside;
use BugEvents::Projector qw(caught_up);
use BugEvents::Server;
use PostgreSQL::Test::Utils;
use Test::More;

my $outside = BugEvents::Outside->start;
my $conf = $outside->conf . <<~'END';
	bugevents.default_channels = 'email'
	bugevents.retry_delay = 10min
	bugevents.delivery_rate = 0
	bugevents.fold_interval = 0
	bugevents.whatsapp_url = ''
	bugevents.webhook_url = ''
	bugevents.alert_window = 2s
	END
my $server = BugEvents::Server->start_new('original', projector => 1, streaming => 1, conf => $conf);

sub waiting { return $_[0]->sql("SELECT count(*) FROM bugevents.deliveries WHERE state = 'waiting'"); }
sub mails { return scalar grep { $_->{channel} eq 'email' } $outside->accepted; }

# That a courier has looked at it and sends nothing.
sub sends_nothing
{
	my ($copy, $why) = @_;

	$copy->wait_log(qr/WARNING:  bugevents sends no mails, messages and webhooks: this database is a copy of the one that does\n.*DETAIL:  $why/);
	pass('a copy says that it sends nothing, and why');
	BugEvents::Server::wait_until(sub { $copy->sql("SELECT value FROM bugevents.stats WHERE labels = 'name=\"copied_cluster\"'") == 1 }, 'the alert');
	$copy->wait_ready;
	is(($copy->http('/ready'))[1], "ok, but: nothing is sent from this copy\n", '... GET /ready does, too');
	my $before = mails();
	$copy->sql("SELECT bugevents.test_delivery('email', 'copy\@example.org')");
	my $looks = $copy->sql("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'sender'");
	BugEvents::Server::wait_until(sub {
			$copy->sql('UPDATE bugevents.deliveries SET attempts = 0 WHERE false'); # wakes it
			return $copy->sql("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'sender'") > $looks + 1;
		}, 'the courier to look twice');
	is(mails(), $before, '... and sends nothing, what it makes itself neither');
	is($copy->sql("SELECT state FROM bugevents.deliveries WHERE address = 'copy\@example.org'"), 'waiting', '... which waits');
	return;
}

$server->sql("INSERT INTO users (username, email) VALUES ('ada', 'ada\@example.org')");
$server->sql("INSERT INTO bug_reports (title, creator_id) VALUES ('one', 1), ('two', 1), ('three', 1)");
$outside->all_sent($server);
is(mails(), 1, 'the original sends');
is($server->sql('SELECT count(*) FROM bugevents.sender AS s JOIN bugevents.stream USING (instance) WHERE place = bugevents.server_place()'), 1, '... and notes that it is the one that does');
$server->node->restart;
$server->wait_ready;
$server->sql("SELECT bugevents.test_delivery('email', 'again\@example.org')");
$outside->all_sent($server);
is(mails(), 2, '... and goes on after a restart');

# What waits, and what is due in the copies.
$outside->behave(mail => 'busy');
$server->sql("SELECT bugevents.test_delivery('email', 'waits\@example.org') FROM generate_series(1, 3)");
BugEvents::Server::wait_until(sub { $server->sql("SELECT count(*) FROM bugevents.deliveries WHERE attempts = 1 AND state = 'waiting'") == 3 }, 'the attempts');
$server->sql("UPDATE bugevents.deliveries SET next_attempt_at = now() + interval '1 day' WHERE state = 'waiting'");
$server->sql("INSERT INTO bugevents.watchers VALUES ('1', '1'), ('2', '1')");
$server->node->backup('physical');
$server->sql("SELECT bugevents.remind('1', now() + interval '1 day', '1', '1 day'), bugevents.remind('2', now() + interval '1 day', '1')");

#
# A copy of the data directory
#
my $physical = BugEvents::Server->from_backup('physical', $server, 'physical');
$physical->node->start;
$physical->wait_ready;
sends_nothing($physical, qr/What was directory \S+ is \S+, inode \d+ is \d+ here\. 3 deliveries wait\./);
$outside->behave;
is($physical->sql('SELECT bugevents.take_over_deliveries()'), 4, 'taking over says how many wait');
$physical->sql("UPDATE bugevents.deliveries SET next_attempt_at = now() WHERE state = 'waiting'");
$outside->all_sent($physical);
is(mails(), 6, '... and sends them');
BugEvents::Server::wait_until(sub { $physical->sql("SELECT value FROM bugevents.stats WHERE labels = 'name=\"copied_cluster\"'") == 0 }, 'the end of the alert');
$physical->node->stop;

#
# A dump.  In it all is due.
#
$server->set('bugevents.projector' => 'off', 'bugevents.smtp_url' => '');
BugEvents::Server::wait_until(sub { $server->sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type IN ('bugevents projector', 'bugevents courier')") == 0 }, 'the workers to end');
$server->sql("UPDATE bugevents.deliveries SET next_attempt_at = now() - interval '1 hour'; UPDATE bugevents.reminders SET due_at = now() - interval '2 hours'");
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
my $plain = PostgreSQL::Test::Utils::tempdir() . '/plain.sql';
command_ok([ 'pg_dump', '-Fc', '-f', $dump, $server->node->connstr('postgres') ], 'a dump');
command_ok([ 'pg_dump', '-f', $plain, $server->node->connstr('postgres') ], '... and as a script');

# What is in the tables that are the users'; and what was published.
sub kept { return $_[0]->sql("SELECT (SELECT count(*) FROM bugevents.reminders) || ' reminders, ' || (SELECT count(*) FROM bugevents.watchers) || ' watchers'"); }
# Of rows; that it is a copy may be an alert by then.
sub published { return $_[0]->sql(q{SELECT count(*) FROM bugevents.events() WHERE type <> 'alert'}); }

# The projector and the courier are at work all the time.
sub empty
{
	my ($name) = @_;
	my $copy = BugEvents::Server->new($name, projector => 1, conf => $conf);

	$copy->node->start;
	return $copy;
}

my %ways = (
	sections => [ map { [ 'pg_restore', "--section=$_" ] } qw(pre-data data post-data) ],
	parallel => [ [ 'pg_restore', '-j', '3' ] ],
	script => [ [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $plain ] ],
	clean => [ [ 'pg_restore' ], [ 'pg_restore', '--clean', '--if-exists' ] ],
);
for my $way (sort keys %ways)
{
	my $copy = empty($way);

	for my $step (@{ $ways{$way} })
	{
		my $database = $copy->node->connstr('postgres');
		my @what = $step->[0] eq 'psql' ? ('-d', $database) : ('--exit-on-error', '-d', $database, $dump);

		command_ok([ @$step, @what ], "$way: @$step[1 .. $#$step]");
		next unless $way eq 'sections' && $step->[1] eq '--section=data';
		$copy->wait_log(qr/LOG:  bugevents reminds nobody: no table of bug reports is attached/);
		pass('before the triggers are there, nobody is reminded, and the log says so');
	}
	is(kept($copy), '2 reminders, 2 watchers', '... nothing is cancelled') if $way eq 'sections';
	is(published($copy), 0, '... nothing published') if $way eq 'sections';
	sends_nothing($copy, 'It was restored from a dump of another database\. \d+ deliveries wait\.');
	is($copy->sql("SELECT count(*) FROM bugevents.events() WHERE type NOT IN ('reminder', 'alert') AND NOT (type = 'notification' AND action = 'reminder_sent')"), 0, '... but for what was due, nothing is published');

	# In the copy, too, who wanted to be reminded is, once.
	$copy->node->restart;
	$copy->wait_ready;
	BugEvents::Server::wait_until(sub { $copy->sql("SELECT count(*) FROM bugevents.notifications WHERE type = 'reminder_sent'") == 2 }, 'the reminders');
	is($copy->sql(q{SELECT count(*) || ' ' || bool_and(due_at > now()) FROM bugevents.reminders}), '1 true', '... the daily one is there for the next day');
	is($copy->sql('SELECT bugevents.take_over_deliveries(false)'), 0, 'taking over without what may have been sent');
	is($copy->sql("SELECT count(*) FROM bugevents.deliveries WHERE address = 'waits\@example.org' AND state = 'uncertain'"), 3, '... which is uncertain');
	$copy->sql("SELECT bugevents.test_delivery('email', '$way\@example.org')");
	$outside->all_sent($copy);
	is(scalar($outside->mails_to("$way\@example.org")), 1, '... and then it sends');
	is(scalar($outside->mails_to('waits@example.org')), 3, '... but not what was sent before');
	$copy->node->stop;
}

# Data alone, into a database that has everything, with and without triggers.
for my $options ([], ['--disable-triggers'])
{
	my $copy = empty('data' . @$options);

	$copy->sql('CREATE EXTENSION bugevents');
	$copy->sql('SELECT bugevents.create_tracker()');
	$copy->wait_ready;
	my $events = $copy->sql('SELECT coalesce(max(last_seq), 0) FROM bugevents.journal');
	# The extension's own tables: those of the tracker are loaded as any INSERT (205_dump.pl).
	command_ok([ 'pg_dump', '-Fc', '--data-only', '-f', "$dump.data", $server->node->connstr('postgres') ], 'a dump of data');
	my ($list) = run_command([ 'pg_restore', '--list', "$dump.data" ]);
	append_to_file("$dump.list@$options", join "\n", grep { / bugevents / } split /\n/, $list);
	command_ok([ 'pg_restore', '--exit-on-error', '--data-only', @$options, '-L', "$dump.list@$options", '-d', $copy->node->connstr('postgres'), "$dump.data" ], "... loaded, @$options");
	is(kept($copy), '2 reminders, 2 watchers', '... nothing is cancelled, though there are no bugs yet');
	is($copy->sql("SELECT count(*) FROM bugevents.events() WHERE seq > $events AND type NOT IN ('reminder', 'alert')"), 0, '... nothing published');
	$copy->sql('UPDATE bugevents.deliveries SET attempts = 0 WHERE false'); # wakes the courier
	sends_nothing($copy, 'It was restored from a dump of another database\. \d+ deliveries wait\.');
	$copy->node->stop;
}
done_testing();
