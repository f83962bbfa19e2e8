# What each setting of the projector changes, from the next reload on; and catching up in batches.
use strict;
use warnings;
use BugEvents::Projector qw(caught_up);
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('settings', projector => 1);
$server->sql("INSERT INTO users (username) VALUES ('ada'), ('bob'), ('cyd'); INSERT INTO bug_reports (title, creator_id) SELECT 'bug ' || n, 1 FROM generate_series(1, 5) AS n");
caught_up($server);

sub pid { return $server->sql("SELECT coalesce(max(pid), 0) FROM pg_stat_activity WHERE backend_type = 'bugevents projector'"); }

# Changed by a reload: who begins a session after it finds the new value, and by then the projector,
# which had nothing to do, was told to read its settings before anything else.
sub set
{
	my ($name, $value) = @_;

	caught_up($server);
	$server->set("bugevents.$name" => $value);
	BugEvents::Server::wait_until(sub { $server->sql("SELECT current_setting('bugevents.$name')") eq $value }, "$name = $value");
	return;
}

sub change { my ($what) = @_; $server->sql("SET bugevents.actor = '2'; $what"); caught_up($server); return; }
my $changes = 0;
sub change_status { my ($bug) = @_; ++$changes; return change("UPDATE bug_reports SET status = 's$changes' WHERE id = $bug"); }

# fold_interval: the counts of a bug's notifications.
sub counts { my ($bug) = @_; return $server->sql("SELECT string_agg(count::text, ' ' ORDER BY id) FROM bugevents.notifications WHERE bug_report_id = '$bug' AND type = 'status_changed'"); }
set(fold_interval => '0');
change_status(1) for 1 .. 3;
is(counts(1), '1 1 1', 'fold_interval 0: each is one');
set(fold_interval => '1h');
change_status(1) for 1 .. 3;
is(counts(1), '1 1 4', 'fold_interval 1h: those within an hour are one');
$server->sql("UPDATE bugevents.notifications SET created_at = created_at - interval '59 minutes'");
change_status(1);
is(counts(1), '1 1 5', '... after 59 minutes, too');
$server->sql("UPDATE bugevents.notifications SET created_at = created_at - interval '2 minutes'");
change_status(1) for 1 .. 2;
is(counts(1), '1 1 5 2', '... after 61 not, and the new one counts on');
$server->sql("UPDATE bugevents.notifications SET created_at = created_at - interval '90 minutes'");
set(fold_interval => '4h');
change_status(1);
is(counts(1), '1 1 5 3', 'fold_interval 4h: into the latest of those, however old');

# closed_statuses: reminders that are left.
sub reminders { return $server->sql("SELECT coalesce(string_agg(bug_report_id, ' ' ORDER BY bug_report_id), '') FROM bugevents.reminders"); }
$server->sql("SELECT bugevents.remind(b::text, now() + interval '1 day', '1') FROM generate_series(1, 5) AS b");
change("UPDATE bug_reports SET status = 'done' WHERE id = 1; UPDATE bug_reports SET status = 'closed' WHERE id = 2");
is(reminders(), '1 3 4 5', 'closed_statuses: closed');
set(closed_statuses => 'done, rejected');
change("UPDATE bug_reports SET status = 'closed' WHERE id = 3; UPDATE bug_reports SET status = 'rejected' WHERE id = 4");
is(reminders(), '1 3 5', '... others');
set(closed_statuses => '');
change("UPDATE bug_reports SET status = 'closed' WHERE id = 5; UPDATE bug_reports SET status = 'rejected' WHERE id = 3");
is(reminders(), '1 3 5', '... none');

# watch_on_comment: who watches.
sub watchers { return $server->sql("SELECT coalesce(string_agg(user_id, ' ' ORDER BY user_id), '') FROM bugevents.watchers WHERE bug_report_id = '1'"); }
sub comment { my ($user) = @_; return change("INSERT INTO comments (bug_report_id, user_id, content) VALUES (1, $user, 'said by $user')"); }
set(watch_on_comment => 'off');
comment(2);
is(watchers(), '', 'watch_on_comment off: who comments does not watch');
is($server->sql("SELECT user_id || message FROM bugevents.notifications WHERE type = 'comment_added'"), '1said by 2', '... the creator hears of it all the same');
set(watch_on_comment => 'on');
comment(3);
is(watchers(), '3', '... on: from then on');
set(watch_on_comment => 'off');
comment(3);
is(watchers(), '3', '... off again: who watches goes on watching');

# notification_retention: looked at when the projector starts, and now and then.
sub restart
{
	my $old = pid();

	$server->sql("SELECT pg_terminate_backend($old)");
	BugEvents::Server::wait_until(sub { my $now = pid(); $now != 0 && $now != $old }, 'another projector');
	caught_up($server);
	# It sleeps when it has done all that there is to do.
	BugEvents::Server::wait_until(sub { $server->sql('SELECT state FROM pg_stat_activity WHERE pid = ' . pid()) eq 'idle' }, 'it to sleep');
	return;
}

sub ages { return $server->sql("SELECT string_agg(title, ' ' ORDER BY id) FROM bugevents.notifications WHERE type = 'priority_changed'"); }
$server->sql(<<~'END');
	INSERT INTO bugevents.notifications (type, user_id, title, message, created_at)
		SELECT 'priority_changed', '1', n || 'd', '', now() - n * interval '1 day' + interval '1 hour' FROM unnest(ARRAY[1000, 90, 8, 7, 1]) AS n
	END
set(notification_retention => '0');
restart();
is(ages(), '1000d 90d 8d 7d 1d', 'notification_retention 0: for ever');
set(notification_retention => '7d');
restart();
is(ages(), '7d 1d', 'notification_retention 7d: what is older goes');

# Left behind by many small transactions, it catches up in batches of a thousand events, each
# a transaction: not one for each event, nor one for all.
my $blocker = $server->session;
my $last = $server->sql('SELECT max(id) FROM bugevents.notifications');
$blocker->query_safe('BEGIN; LOCK bugevents.notifications');
$server->sql("DO \$\$ BEGIN FOR i IN 1 .. 350 LOOP INSERT INTO bug_reports (title, assignee_id) SELECT 'late', 3 FROM generate_series(1, 10); COMMIT; END LOOP; END \$\$");
BugEvents::Server::wait_until(sub { $server->sql("SELECT value > 2500 FROM bugevents.stats WHERE name = 'bugevents_projector_lag_seq'") eq 't' }, 'the lag');
pass('it is behind, and its lag says so');
$blocker->query_safe('COMMIT');
$blocker->quit;
caught_up($server);
is($server->sql("SELECT count(*) FROM bugevents.notifications WHERE id > $last"), '3500', 'it catches up');
my ($batches, $largest) = split / /, $server->sql("SELECT count(*) || ' ' || max(n) FROM (SELECT count(*) AS n FROM bugevents.notifications WHERE id > $last GROUP BY xmin::text) AS batch");
ok($batches >= 4 && $batches < 40, '... in batches') or diag($batches);
cmp_ok($largest, '<', 1010, '... of about a thousand events') or diag($largest);
done_testing();
