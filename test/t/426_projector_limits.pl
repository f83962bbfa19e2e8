# Nothing holds the projector up for good: expressions of table owners, rows that can't be judged, locks, damage; and it ends when it is told to.
use strict;
use warnings;
use BugEvents::Projector qw(caught_up);
use BugEvents::Server;
use Test::More;
use Time::HiRes qw(time);

my $server = BugEvents::Server->start_new('limits', projector => 1, conf => <<~'END');
	bugevents.retention = 1h
	bugevents.derive_timeout = 300ms
	bugevents.fold_interval = 0
	END
$server->sql(<<~'END');
	INSERT INTO users (username) SELECT 'user ' || i FROM generate_series(1, 5) i;
	CREATE TABLE switch (slow boolean);
	INSERT INTO switch VALUES (false);
	-- Slow when somebody switches it on, and said to be stable.
	CREATE FUNCTION slowly(text) RETURNS text LANGUAGE plpgsql STABLE AS $$
	BEGIN
		IF (SELECT slow FROM public.switch) THEN PERFORM pg_sleep(1000); END IF;
		RETURN $1;
	END $$;
	CREATE TABLE tickets (LIKE bug_reports INCLUDING ALL);
	SELECT bugevents.attach('tickets', 'bug_report', columns => '{"title": "public.slowly(row.title)"}');
	END

sub pid { return $server->sql("SELECT coalesce(max(pid), 0) FROM pg_stat_activity WHERE backend_type = 'bugevents projector'"); }
sub told { return $server->sql("SELECT string_agg(message, ' ' ORDER BY id) FROM bugevents.notifications WHERE type = 'comment_added' AND user_id = '$_[0]'"); }
sub errors { return $server->sql("SELECT coalesce(string_agg(type || ' ' || message, ', ' ORDER BY seq), '') FROM bugevents.projector_errors"); }
sub forget { $server->sql('DELETE FROM bugevents.notifications; DELETE FROM bugevents.projector_errors'); return; }

# An expression that is looked at again, as the bug is not known to the projector.
$server->sql(q{INSERT INTO tickets (id, title, creator_id) OVERRIDING SYSTEM VALUE VALUES (100, 'slow', 1); INSERT INTO bug_reports (title, creator_id) VALUES ('fast', 1)});
caught_up($server);
$server->sql(q{DELETE FROM bugevents.bugs WHERE id = '100'; UPDATE switch SET slow = true});
my $began = time;
$server->sql(q{INSERT INTO comments (bug_report_id, user_id, content) VALUES (1, 2, 'before')});
$server->sql(q{CREATE TABLE remarks (LIKE comments INCLUDING ALL); SELECT bugevents.attach('remarks', 'comment'); INSERT INTO remarks (bug_report_id, user_id, content) VALUES (100, 2, 'never')});
$server->sql(q{INSERT INTO comments (bug_report_id, user_id, content) VALUES (1, 2, 'after')});
caught_up($server);
cmp_ok(time - $began, '<', 60, 'an expression that sleeps holds the projector up for the time that is set');
is(told('1'), 'before after', '... and costs what needed it');
is(errors(), 'comment it took longer than bugevents.derive_timeout', '... which is set aside');
forget();

# A reminder of that bug is passed, too.
$server->sql(q{SELECT bugevents.remind('100', clock_timestamp(), '1'), bugevents.remind('1', clock_timestamp(), '3')});
BugEvents::Server::wait_until(sub { $server->sql(q{SELECT count(*) FROM bugevents.notifications WHERE type = 'reminder_sent' AND user_id = '3'}) }, 'the other reminder');
pass('a reminder for which it takes too long holds up no other');
$server->sql('UPDATE switch SET slow = false; DELETE FROM bugevents.reminders');
forget();

# It ends at any point within a second: waiting for a lock ...
my $blocker = $server->session;
my $old = pid();
$blocker->query_safe('BEGIN; LOCK TABLE bugevents.notifications');
$server->sql(q{INSERT INTO comments (bug_report_id, user_id, content) VALUES (1, 2, 'waits')});
BugEvents::Server::wait_until(sub { $server->sql("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = $old") }, 'the projector to wait');
$began = time;
$server->sql("SELECT pg_terminate_backend($old)");
BugEvents::Server::wait_until(sub { !BugEvents::Server::process_exists($old) }, 'it to end');
cmp_ok(time - $began, '<', 20, 'a projector that waits for a lock ends when it is told to');
BugEvents::Server::wait_until(sub { pid() && pid() != $old }, 'another one');
$blocker->query_safe('COMMIT');
$blocker->quit;
caught_up($server);
is(told('1'), 'waits', '... and what it waited with is done afterwards');
is(errors(), '', '... and not set aside');
forget();

# A user whose row can't be judged hears nothing, others do.
$server->sql(<<~'END');
	SELECT bugevents.detach('users');
	SELECT bugevents.attach('users', 'user', filter => '100 / (row.id - 2) IS NOT NULL');
	SELECT bugevents.detach('bug_reports');
	SELECT bugevents.attach('bug_reports', 'bug_report', audience => 'ARRAY[''user:1'', ''all'']');
	END
$server->sql(q{SELECT bugevents.watch('1', u::text) FROM generate_series(1, 4) AS u});
caught_up($server);
$server->sql(q{INSERT INTO comments (bug_report_id, user_id, content) VALUES (1, 5, 'hello')});
caught_up($server);
is(told($_), 'hello', "user $_ is told") for 1, 3, 4;
is(told('2'), '', '... who cannot be judged is not');
is(errors(), '', 'nothing is set aside for a row of users that cannot be judged');
forget();

# By hand.
$blocker = $server->session;
$blocker->query_safe('BEGIN; LOCK TABLE bugevents.notifications');
my $from = $server->sql('SELECT cursor FROM bugevents.projector');
$server->sql(qq{INSERT INTO comments (bug_report_id, user_id, content) VALUES (1, 5, '$_')}) for 'one', 'two', 'three';
my $two = $server->sql(qq{SELECT max(seq) FROM bugevents.events($from) WHERE payload ->> 'content' = 'two'});
$server->sql("SELECT bugevents.projector_skip($two)");
$blocker->query_safe('COMMIT');
$blocker->quit;
caught_up($server);
is(told('3'), 'one three', 'projector_skip() passes over an event, and no other');
is(errors(), 'comment skipped by hand', '... which is listed');
is($server->sql('SELECT count(*) FROM bugevents.projector_skips'), 0, '... once');
like(($server->node->psql('postgres', "SELECT bugevents.projector_skip($two)"))[2], qr/ERROR: +event $two is done with/, 'what is done with is not skipped');
forget();

# A record that can't be read: what is left of its transaction is passed over.
$server->set('bugevents.projector' => 'off');
BugEvents::Server::wait_until(sub { pid() == 0 }, 'no projector');
$server->sql(q{INSERT INTO comments (bug_report_id, user_id, content) VALUES (1, 5, 'good')});
$server->sql(q{BEGIN; INSERT INTO comments (bug_report_id, user_id, content) VALUES (1, 5, 'first'); INSERT INTO comments (bug_report_id, user_id, content) VALUES (1, 5, 'damaged'); COMMIT});
$server->sql(q{INSERT INTO comments (bug_report_id, user_id, content) VALUES (1, 5, 'last')});
$server->sql("UPDATE bugevents.$_ SET events = substr(events, 1, length(events) - 10) WHERE position('damaged'::bytea IN events) > 0") for qw(journal_0 journal_1 journal_2);
$server->set('bugevents.projector' => 'on');
BugEvents::Server::wait_until(sub { (told('3') // '') =~ /last/ }, 'the event behind it');
is(told('3'), 'good first last', 'a damaged record costs what is left of its transaction');
like($server->sql('SELECT sqlstate, type, message FROM bugevents.projector_errors'), qr/^XX001\|\|bugevents' journal is damaged at seq \d+$/, '... and is told, without what could not be read');

# The server stops at once.
$blocker = $server->session;
$blocker->query_safe('BEGIN; LOCK TABLE bugevents.notifications, bugevents.projector');
$server->sql(q{INSERT INTO comments (bug_report_id, user_id, content) VALUES (1, 5, 'waits')});
BugEvents::Server::wait_until(sub { $server->sql("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = " . pid()) }, 'the projector to wait');
my $log = $server->log_size;
$began = time;
$server->node->stop('fast');
cmp_ok(time - $began, '<', 30, 'pg_ctl stop -m fast ends it');
unlike($server->log_since($log), qr/ERROR: +canceling statement.*\n.*projector|FATAL:.*projector/, '... without a complaint');
done_testing();
