# Reminders: due once, again and again, cancelled, over restarts.
use strict;
use warnings;
use BugEvents::Projector qw(caught_up);
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('reminders', projector => 1, conf => "bugevents.closed_statuses = 'closed, won''t fix ,done'\n");
$server->sql(<<~'END');
	INSERT INTO users (username, email) SELECT 'user ' || n, n || '@example.org' FROM generate_series(1, 3) AS n;
	INSERT INTO bug_reports (title, creator_id, assignee_id) VALUES ('one', 1, 2), ('two', 1, NULL), ('three', 1, 3), ('four', NULL, NULL);
	END
my $ws = $server->connect('2');

sub sent { return $server->sql("SELECT string_agg(bug_report_id || ' ' || user_id, ', ' ORDER BY id) FROM bugevents.notifications WHERE type = 'reminder_sent'"); }
sub left_ { return $server->sql("SELECT string_agg(bug_report_id, ' ' ORDER BY bug_report_id) FROM bugevents.reminders"); }

# Soon: the worker sleeps until then, and is woken by a later one that is due earlier.
$server->sql("SELECT bugevents.remind('1', now() + interval '1 hour')");
$server->sql("SELECT bugevents.remind('1', clock_timestamp() + interval '1500 milliseconds', '2')");
my $made = $ws->wait_for(sub { $_[0]{type} eq 'reminder' });
is_deeply([ @$made{qw(type action)}, @{ $made->{payload} }{qw(bug_report_id user_id every)} ], [ 'reminder', 'created', 1, 2, undef ], 'the user hears that it was set');
my $due = $made->{payload}{due_at};
my $event = $ws->wait_for(sub { $_[0]{type} eq 'notification' && $_[0]{action} eq 'reminder_sent' });
ok($event->{at} ge $due, 'it comes when it is due, not before');
is_deeply([ @{ $event->{payload} }{qw(title bug_report_id user_id)} ], [ 'one', 1, 2 ], '... with the bug');
is(sent(), '1 2', '... once');
is($server->sql("SELECT count(*) FROM bugevents.reminders"), '1', '... and is gone then');

# Whom, if nobody is named.
$server->sql("SELECT bugevents.remind(b::text, clock_timestamp()) FROM unnest(ARRAY[1, 2, 3, 4]) AS b");
BugEvents::Server::wait_until(sub { left_() eq '1' }, 'them to be due');
is(sent(), '1 2, 1 2, 2 1, 3 3', 'the assignee, or else the creator');

# Again and again, from the due time.
$server->sql("INSERT INTO bugevents.reminders (bug_report_id, user_id, due_at, every) VALUES ('3', '3', date_trunc('hour', now()) - interval '10 days 3 hours', '1 day')");
BugEvents::Server::wait_until(sub { $server->sql("SELECT count(*) FROM bugevents.reminders WHERE every IS NOT NULL AND due_at > now()") eq '1' }, 'the next time');
is($server->sql("SELECT due_at - date_trunc('hour', created_at) BETWEEN interval '0' AND interval '1 day' AND extract(epoch FROM due_at - date_trunc('hour', created_at))::int % 86400 = 75600 FROM bugevents.reminders WHERE every IS NOT NULL"), 't',
	'what was missed comes once, and the next one is whole days from the first');
is($server->sql("SELECT count(*) FROM bugevents.notifications WHERE type = 'reminder_sent' AND user_id = '3'"), '2', '... not eleven times');

# By the user's calendar, from the first date on, until somebody sets another one.
$server->sql("INSERT INTO bugevents.delivery_options (user_id, time_zone) VALUES ('3', 'Europe/Berlin')");
my $monthly = $server->sql("SELECT bugevents.remind('3', '2020-01-31 09:00 Europe/Berlin', '3', '1 month')");
my $series = sub { return $server->sql("SELECT first_at AT TIME ZONE 'Europe/Berlin' FROM bugevents.reminder_series AS s JOIN bugevents.reminders AS r ON r.id = reminder_id AND s.due_at = r.due_at WHERE r.id = $monthly AND r.due_at > now()") };
BugEvents::Server::wait_until(sub { $series->() ne '' }, 'the next month');
is($server->sql("SELECT (due_at AT TIME ZONE 'Europe/Berlin')::time || ' ' || (extract(day FROM due_at AT TIME ZONE 'Europe/Berlin') = least(31, extract(day FROM date_trunc('month', due_at AT TIME ZONE 'Europe/Berlin') + interval '1 month -1 day'))) FROM bugevents.reminders WHERE id = $monthly"),
	'09:00:00 true', 'one on the 31st comes at the end of each month, at nine by the user\'s clock');
is($series->(), '2020-01-31 09:00:00', '... as it is counted from the first date');
$server->sql("UPDATE bugevents.reminders SET due_at = '2021-02-03 10:00 Europe/Berlin' WHERE id = $monthly");
BugEvents::Server::wait_until(sub { $series->() eq '2021-02-03 10:00:00' }, 'it to be counted from the new one');
pass('one that is set anew is counted from then');
$server->sql("DELETE FROM bugevents.reminders WHERE id = $monthly; DELETE FROM bugevents.delivery_options");
is($server->sql("SELECT count(*) FROM bugevents.reminder_series WHERE reminder_id = $monthly"), 0, '... and forgotten with it');

# Each minute, for thousands of years.
my $began = time;
$server->sql("SELECT bugevents.remind('3', '4712-01-31 12:30+00 BC', '3', '1 minute')");
BugEvents::Server::wait_until(sub { $server->sql("SELECT count(*) FROM bugevents.reminders WHERE every = '1 minute' AND due_at BETWEEN now() AND now() + interval '1 minute'") eq '1' }, 'the next minute');
cmp_ok(time - $began, '<', 60, 'the times that were missed are not walked through');
is($server->sql("SELECT extract(second FROM due_at)::int FROM bugevents.reminders WHERE every = '1 minute'"), '0', 'what is due since long ago does not keep the worker busy');
$server->sql("DELETE FROM bugevents.reminders WHERE every = '1 minute'");

# What fails is passed, and holds up no other.
my $log = $server->log_size;
$server->sql(<<~'END');
	CREATE TABLE gone AS SELECT 0 AS n;
	CREATE TABLE odd (LIKE bug_reports INCLUDING ALL);
	SELECT bugevents.attach('odd', 'bug_report', columns => '{"id": "(SELECT row.id + n FROM gone)"}');
	DROP TABLE gone;
	SELECT bugevents.remind('77', clock_timestamp(), '1'), bugevents.remind('77', clock_timestamp(), '1', '1 day'), bugevents.remind('2', clock_timestamp(), '3');
	END
BugEvents::Server::wait_until(sub { sent() =~ /2 3$/ }, 'the one that can be told');
is($server->sql("SELECT string_agg((due_at > now())::text, ' ') FROM bugevents.reminders WHERE bug_report_id = '77'"), 'true', 'a reminder that fails is passed; one that repeats goes on');
$server->wait_log(qr/WARNING: .*could not remind anybody of bug "77": .*gone/, $log);
$server->sql("DELETE FROM bugevents.reminders WHERE bug_report_id = '77'; DROP TABLE odd");

# There may always be something to read: what is due comes before what was committed later.
my $projector = $server->sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'bugevents projector'");
$server->stop_worker($projector);
$server->sql("SELECT bugevents.remind('1', clock_timestamp(), '3')");
$server->sql(<<~'END');
	DO $$ BEGIN
		FOR i IN 1 .. 10 LOOP
			INSERT INTO bug_reports (title, assignee_id) SELECT 'many', 2 FROM generate_series(1, 500);
			COMMIT;
		END LOOP;
	END $$
	END
kill 'CONT', $projector;
caught_up($server);
is($server->sql("SELECT count(*) FROM bugevents.notifications WHERE title = 'many'"), '5000', '(there was much to read)');
is($server->sql("SELECT r.id < (SELECT max(id) FROM bugevents.notifications WHERE title = 'many') FROM bugevents.notifications AS r WHERE type = 'reminder_sent' AND bug_report_id = '1' AND user_id = '3'"), 't',
	'reminders do not wait until there is nothing to read');
$server->sql("DELETE FROM bug_reports WHERE title = 'many'");
caught_up($server);

# Over a restart, and due while the server was down.
$server->set('bugevents.projector', 'off');
BugEvents::Server::wait_until(sub { $server->sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'bugevents projector'") eq '0' }, 'no projector');
$server->sql("SELECT bugevents.remind('2', clock_timestamp(), '1')");
$server->node->stop('immediate');
$server->node->append_conf('postgresql.conf', "bugevents.projector = on\n");
$server->node->start;
BugEvents::Server::wait_until(sub { (eval { $server->sql("SELECT count(*) FROM bugevents.notifications WHERE type = 'reminder_sent' AND bug_report_id = '2' AND user_id = '1'") } // '') eq '2' }, 'the one that was due meanwhile');
$server->node->restart;
$server->wait_ready;
caught_up($server);
is($server->sql("SELECT count(*) FROM bugevents.notifications WHERE type = 'reminder_sent' AND bug_report_id = '2' AND user_id = '1'"), '2', 'it comes once over restarts');

# Cancelled.
$server->sql("DELETE FROM bugevents.reminders");
$server->sql("SELECT bugevents.remind(b::text, now() + interval '1 day', '1') FROM generate_series(1, 4) AS b");
$server->sql("UPDATE bug_reports SET status = 'done' WHERE id = 1; UPDATE bug_reports SET status = 'busy' WHERE id = 2; DELETE FROM bug_reports WHERE id = 3");
$server->sql("INSERT INTO bug_reports (id, title) OVERRIDING SYSTEM VALUE VALUES (55, 'not ours'); SELECT bugevents.remind('55', now() + interval '1 day', '1'); UPDATE bug_reports SET status = 'won''t fix' WHERE id = 55");
caught_up($server);
is(left_(), '2 4', 'closing and deleting a bug cancels its reminders');
$server->set('bugevents.closed_statuses', '');
BugEvents::Server::wait_until(sub { $server->sql('SHOW bugevents.closed_statuses') eq '' }, 'the reload');
$server->sql("SELECT bugevents.remind('999', clock_timestamp(), '1')");
BugEvents::Server::wait_until(sub { $server->sql("SELECT due_at > now() FROM bugevents.reminders WHERE bug_report_id = '999'") eq 't' }, 'that of no bug to be put off');
is($server->sql("SELECT count(*) FROM bugevents.notifications WHERE bug_report_id = '999'"), '0', 'a bug that is not there reminds nobody');
is($server->sql("SELECT count(*) FROM bugevents.reminders WHERE bug_report_id = '999' AND due_at < now() + interval '61 minutes'"), '1', '... but is kept, for the bug may come back');
$server->sql("UPDATE bugevents.reminder_series SET first_at = now() - interval '2 days', due_at = x.at FROM (SELECT clock_timestamp() AS at) AS x; UPDATE bugevents.reminders AS r SET due_at = s.due_at FROM bugevents.reminder_series AS s WHERE s.reminder_id = r.id");
BugEvents::Server::wait_until(sub { left_() eq '2 4' }, 'that of no bug to go after a day');
is($server->sql('SELECT count(*) FROM bugevents.reminder_series'), '0', '... with what was kept of it');

# Detached: what is derived is kept, for the table may be attached again.
$server->sql("UPDATE bugevents.reminders SET every = '1 day' WHERE bug_report_id = '4'; SELECT bugevents.watch('2', '1')");
caught_up($server);
my $watchers = $server->sql('SELECT count(*) FROM bugevents.watchers');
my ($attach) = $server->sql("SELECT format('SELECT bugevents.attach(%L, %L)', tbl, entity) FROM bugevents.attachments WHERE entity = 'bug_report'");
$log = $server->log_size;
$server->sql("SELECT bugevents.detach('bug_reports')");
$server->sql("UPDATE bugevents.reminders SET due_at = now() - interval '1 minute'");
$server->wait_log(qr/LOG:  bugevents reminds nobody: no table of bug reports is attached/, $log);
is(left_() . ' ' . $server->sql('SELECT count(*) FROM bugevents.watchers'), "2 4 $watchers", 'detach() keeps reminders and watchers');
my $reminded = $server->sql("SELECT count(*) FROM bugevents.notifications WHERE type = 'reminder_sent'");
$server->sql($attach);
$server->sql('UPDATE bugevents.reminders SET due_at = due_at'); # it looks again
BugEvents::Server::wait_until(sub { left_() eq '4' }, 'the reminders, once it is attached again');
is($server->sql("SELECT count(*) FROM bugevents.notifications WHERE type = 'reminder_sent'"), $reminded + 2, '... who are told then');
is($server->sql("SELECT due_at > now() FROM bugevents.reminders"), 't', '... the daily one goes on');

# Refused.
for ([ "'1', now(), '1', '1 month -29 days'", 'at least a minute' ], [ "'1', now(), '1', '101 years'", 'at most 100 years' ], [ "'1', NULL", 'must not be null' ], [ "'1', 'infinity'", 'must be a moment' ], [ "'1', now(), '1', '1 second'", 'at least a minute' ],
	[ "'1', now(), '1', '-1 day'", 'at least a minute' ])
{
	my $err = '';
	$server->node->psql('postgres', "SELECT bugevents.remind($_->[0])", stderr => \$err);
	like($err, qr/$_->[1]/, "remind($_->[0])");
}
$ws->drop;
done_testing();
