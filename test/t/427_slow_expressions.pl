# Expressions that take too long: what they cost is shown, and three times in a row leave the table out
# of what others wait for.
use strict;
use warnings;
use BugEvents::Projector qw(caught_up);
use BugEvents::Server;
use Test::More;
use Time::HiRes qw(time);

my $server = BugEvents::Server->start_new('slow', projector => 1, conf => "bugevents.alert_window = 2s\nbugevents.message_rate = 0\n");
$server->sql(<<~'END');
	INSERT INTO users (username) VALUES ('ada'), ('bob');
	INSERT INTO bug_reports (title, creator_id) VALUES ('it crashes', 1), ('it burns', 1);
	CREATE TABLE delay (s float8);
	INSERT INTO delay VALUES (0);
	CREATE FUNCTION slow(text) RETURNS text LANGUAGE plpgsql STABLE AS 'BEGIN PERFORM pg_sleep(s) FROM public.delay; RETURN $1; END';
	SELECT bugevents.attach('bug_reports', 'bug_report', columns => '{"title": "public.slow(row.title)"}');
	END
my $ws = $server->connect('1');
my $asked = 0;

sub ask
{
	my ($type, %payload) = @_;
	my $began = time;

	$ws->send_json({ type => $type, id => ++$asked, payload => \%payload });
	return ($ws->wait_for(sub { ($_[0]{id} // '') eq $asked }), time - $began);
}

sub attachment { return $server->sql("SELECT $_[0] FROM bugevents.attachments WHERE tbl = 'bug_reports'::regclass"); }
sub alert { return $server->sql("SELECT value FROM bugevents.stats WHERE labels = 'name=\"expressions_suspended\"'"); }

$server->sql("UPDATE bug_reports SET priority = 'low'");
is(attachment("evaluated || ' ' || timeouts || ' ' || suspended"), '4 0 false', 'what is evaluated is counted: rows before and after');
ok(attachment('evaluation_ms > 0 AND slowest_ms <= evaluation_ms'), '... with the time that it took');
my ($answer) = ask('get', type => 'bug_report', id => 1);
is($answer->{payload}{title} // $answer->{payload}{item}{title}, 'it crashes', 'get');

# Too long, but not three times in a row.
for my $times (1 .. 2)
{
	$server->sql("UPDATE delay SET s = 60; UPDATE bug_reports SET status = 'late $times' WHERE id = 1; UPDATE delay SET s = 0");
}
is(attachment("timeouts || ' ' || suspended"), '2 false', 'what took too long is counted');
$server->sql("UPDATE bug_reports SET status = 'quick' WHERE id = 1");
my $log = $server->log_size;
for my $times (1 .. 3)
{
	is(attachment('suspended'), 'f', 'it still takes part');
	$server->sql("UPDATE delay SET s = 60; UPDATE bug_reports SET status = 'slow $times' WHERE id = 1");
}
is(attachment("timeouts || ' ' || suspended"), '5 true', 'three times in a row suspend the table');
ok(attachment('slowest_ms >= 2000'), '... which shows how slow it was');
like($server->log_since($log), qr/WARNING:  bugevents leaves table "bug_reports" out of what is derived, and of get, list and watch/, '... the log says so');
BugEvents::Server::wait_until(sub { alert() == 1 }, 'the alert');
pass('... and an alert');

my $event = $ws->wait_for(sub { $_[0]{type} eq 'bug_report' && ($_[0]{payload}{status} // '') eq 'slow 3' });
is($event->{payload}{title}, undef, 'its changes go on being published, without what took too long');
my $seconds;
($answer, $seconds) = ask('get', type => 'bug_report', id => 1);
is($answer->{payload}{code}, 'not_found', 'nobody gets its rows');
cmp_ok($seconds, '<', 1, '... nor waits for them');
($answer, $seconds) = ask('list', type => 'bug_report');
is_deeply($answer->{payload}{items} // [], [], '... in a list');
cmp_ok($seconds, '<', 1, '... at once');
($answer, $seconds) = ask('get', type => 'user', id => 1);
ok($seconds < 1, 'other questions are answered as ever');

# A reminder looks at the bug.
$server->sql("SELECT bugevents.remind('2', now(), '1', '1 day')");
$server->wait_log(qr/WARNING:  bugevents could not remind anybody of bug "2": the expressions of table "bug_reports" are suspended/);
is($server->sql('SELECT due_at > now() FROM bugevents.reminders'), 't', 'the projector passes over what needs its rows, at once');

$server->sql("SELECT bugevents.remind('1', clock_timestamp(), '2')");
$server->wait_log(qr/WARNING:  bugevents could not remind anybody of bug "1"/);
is($server->sql("SELECT due_at > now() FROM bugevents.reminders WHERE every IS NULL"), 't', '... and one that is due once waits');

# Another table of bugs is not concerned: what is looked up in it is there.
$server->sql(q{CREATE TABLE quick (LIKE bug_reports INCLUDING ALL); SELECT bugevents.attach('quick', 'bug_report');
	INSERT INTO quick (id, title, creator_id) OVERRIDING SYSTEM VALUE VALUES (100, 'quick', 1);
	SELECT bugevents.remind('100', clock_timestamp(), '1')});
BugEvents::Server::wait_until(sub { $server->sql(q{SELECT count(*) FROM bugevents.notifications WHERE type = 'reminder_sent' AND bug_report_id = '100'}) == 1 }, 'the other reminder');
is($server->sql('SELECT count(*) FROM bugevents.notifications WHERE bug_report_id = \'2\' AND type = \'reminder_sent\''), 0, 'a row of another table is looked up as ever, one of the suspended table is not');
$server->sql('DROP TABLE quick');

# By hand, or by attaching anew.
$server->sql('UPDATE delay SET s = 0');
is($server->sql("SELECT bugevents.resume_expressions('bug_reports')"), 't', 'it is resumed by hand');
is($server->sql("SELECT bugevents.resume_expressions('bug_reports')"), 'f', '... once');
BugEvents::Server::wait_until(sub { alert() == 0 }, 'the end of the alert');
($answer) = ask('get', type => 'bug_report', id => 1);
is($answer->{type}, 'reply', '... and its rows are there');
$server->sql("UPDATE bugevents.reminders SET due_at = clock_timestamp() WHERE every IS NULL");
BugEvents::Server::wait_until(sub { $server->sql(q{SELECT count(*) FROM bugevents.notifications WHERE type = 'reminder_sent' AND bug_report_id = '1' AND user_id = '2'}) == 1 }, 'the reminder that waited');
pass('... and who waited for it is reminded');
$server->sql("UPDATE delay SET s = 60; UPDATE bug_reports SET status = 'again $_' WHERE id = 1") for 1 .. 3;
is(attachment('suspended'), 't', 'suspended again');
$server->sql("UPDATE delay SET s = 0; SELECT bugevents.attach('bug_reports', 'bug_report')");
is(attachment('suspended'), 'f', '... and attached anew, it takes part');
($answer) = ask('get', type => 'bug_report', id => 1);
is($answer->{type}, 'reply', '... in get');

# What a client filters by is an expression like any other: of each row that is looked at.
$server->sql(q{SELECT bugevents.attach('bug_reports', 'bug_report', columns => '{"status": "public.slow(row.status)"}')});
my $evaluated = attachment('evaluated');
($answer) = ask('list', type => 'bug_report', status => 'again 3');
is_deeply([ map { $_->{id} } @{ $answer->{payload}{items} } ], [1], 'a list by a status that is an expression');
($answer) = ask('list', type => 'bug_report', status => 'nothing');
is_deeply($answer->{payload}{items}, [], '... that no row has');
is(attachment('evaluated'), $evaluated + 4, '... counts each row that it looks at');
$server->sql('UPDATE delay SET s = 60');
for my $times (1 .. 3)
{
	is(attachment('suspended'), 'f', 'it still takes part');
	ask('list', type => 'bug_report', status => 'open');
}
is(attachment('suspended'), 't', 'three lists that take too long suspend the table');

# So is what rows are found by.
$server->sql(q{UPDATE delay SET s = 0; SELECT bugevents.attach('bug_reports', 'bug_report', columns => '{"id": "public.slow(row.id::text)"}')});
my $ms = attachment('evaluation_ms');
($answer) = ask('get', type => 'bug_report', id => 1);
is($answer->{payload}{id}, '1', 'an id that is an expression');
cmp_ok(attachment('evaluation_ms'), '>', $ms, '... costs the time of the search');
$server->set('bugevents.request_timeout' => '500ms');
BugEvents::Server::wait_until(sub { return $server->sql('SHOW bugevents.request_timeout') eq '500ms' }, 'the setting');
$server->sql('UPDATE delay SET s = 60');
for my $times (1 .. 3)
{
	is(attachment('suspended'), 'f', 'it still takes part');
	ask('get', type => 'bug_report', id => 1);
}
is(attachment('suspended'), 't', 'three times too long suspend the table');
($answer, $seconds) = ask('get', type => 'bug_report', id => 1);
cmp_ok($seconds, '<', 0.3, '... and nobody waits for it any more');
done_testing();
