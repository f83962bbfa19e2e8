# At the moment of sending: what waits is judged again, by the same rule, with today's address and
# preferences, before each attempt.
use strict;
use warnings;
use BugEvents::Outside;
use BugEvents::Projector qw(caught_up);
use BugEvents::Server;
use Test::More;

my $outside = BugEvents::Outside->start;
my $server = BugEvents::Server->start_new('sending', projector => 1, conf => <<~"END");
	@{[ $outside->conf ]}
	bugevents.default_channels = 'email'
	bugevents.retry_delay = 10min
	bugevents.delivery_rate = 0
	bugevents.fold_interval = 0
	END
$server->sql(<<~'END');
	CREATE TABLE members (user_id bigint, project_id bigint, PRIMARY KEY (user_id, project_id));
	SELECT bugevents.attach('members', 'membership');
	SELECT bugevents.attach('bug_reports', 'bug_report', audience => $$ARRAY['admin', 'project:' || row.project_id]$$);
	INSERT INTO projects (name) VALUES ('one'), ('two');
	INSERT INTO users (username, email) SELECT 'user ' || n, n || '@example.org' FROM generate_series(1, 12) AS n;
	INSERT INTO members SELECT n, 1 FROM generate_series(1, 12) AS n;
	INSERT INTO bug_reports (title, project_id) VALUES ('a private bug', 1);
	SELECT bugevents.watch('1', n::text) FROM generate_series(1, 12) AS n;
	END
$outside->all_sent($server);
my $sent = $outside->accepted;

# The mail server is down; a mail waits for each of them, for a further attempt.
$outside->behave(mail => 'busy', hook => 'busy', wa => 'busy');
$server->sql("UPDATE bug_reports SET status = 'secret plans' WHERE id = 1");
caught_up($server);
sub states
{
	my ($what) = @_;
	return $server->sql("SELECT coalesce(string_agg(d.user_id || ' ' || d.channel || ' ' || coalesce(d.last_error, ''), ', ' ORDER BY d.user_id::int, d.channel), '')
		FROM bugevents.deliveries AS d JOIN bugevents.notifications AS n ON n.id = d.notification_id WHERE n.type <> 'welcome' AND d.state = '$what' AND d.channel = 'email'");
}
BugEvents::Server::wait_until(sub { $server->sql("SELECT count(*) FROM bugevents.deliveries WHERE channel = 'email' AND state = 'waiting' AND attempts = 1") eq '12' }, 'twelve attempts that fail',
	sub { $server->sql('SELECT string_agg(concat_ws($$ $$, channel, state, attempts, last_error), $$, $$) FROM bugevents.deliveries WHERE state <> $$sent$$') });

# Meanwhile the world goes on.
$server->sql(<<~'END');
	DELETE FROM members WHERE user_id = 1;
	UPDATE users SET status = 'inactive' WHERE id = 2;
	UPDATE users SET email = 'new@example.org' WHERE id = 3;
	UPDATE users SET email = NULL WHERE id = 4;
	INSERT INTO bugevents.preferences VALUES ('5', 'status_changed', 'email', false);
	DELETE FROM members WHERE user_id = 6;
	UPDATE users SET role = 'admin' WHERE id = 6;
	CREATE TABLE staff (id bigint PRIMARY KEY, role text, status text);
	INSERT INTO staff VALUES (7, 'user', 'inactive');
	SELECT bugevents.attach('staff', 'user', columns => '{"username": "role", "email": "null::text", "created_at": "now()", "updated_at": "now()"}');
	END
$outside->behave();
$server->sql("UPDATE bugevents.deliveries SET next_attempt_at = now() WHERE state = 'waiting'");
$outside->all_sent($server);
is(states('skipped'), join(', ', '1 email the user may not see it any more', '2 email the user may not see it any more', '4 email the user has no address any more',
	'5 email the user does not want it any more', '7 email the user may not see it any more'), 'what may not be sent any more is skipped, and says why');
is(scalar($outside->mails_to('3@example.org')), 1, 'a mail goes to the address of today: not to the old one (a welcome went there)');
is(scalar($outside->mails_to('new@example.org')), 1, '... but to the new one');
is($server->sql("SELECT address FROM bugevents.deliveries AS d JOIN bugevents.notifications AS n ON n.id = d.notification_id WHERE d.user_id = '3' AND n.type = 'status_changed' AND channel = 'email'"), 'new@example.org', '... as the table says');
is(scalar($outside->mails_to("$_\@example.org")), 1, "user $_ got nothing but the welcome") for 1, 2, 4, 5, 7;
is(scalar($outside->mails_to("$_\@example.org")), 2, "user $_, who still may, got it") for 6, 8 .. 12;
my ($hooks) = $server->sql("SELECT string_agg(user_id, ' ' ORDER BY user_id::int) FROM bugevents.deliveries WHERE channel = 'webhook' AND state = 'skipped'");
is($hooks, '1 2 7', 'webhooks are skipped where the user may not see it');
my $metrics = ($server->http('/metrics'))[1];
like($metrics, qr/^bugevents_deliveries_total\{channel="email",result="skipped"\} 5$/m, 'the metrics count what is skipped');

# A digest leaves out what may not be sent, and an escalation and quiet hours are judged when they end.
$server->sql("DELETE FROM bugevents.deliveries; INSERT INTO bugevents.delivery_options (user_id, digest) VALUES ('8', '1 hour'), ('9', '1 hour')");
$server->sql("INSERT INTO bug_reports (id, title, project_id) OVERRIDING SYSTEM VALUE VALUES (20, 'another bug', 1); SELECT bugevents.watch('20', '8'), bugevents.watch('20', '9')");
$server->sql("UPDATE bug_reports SET status = 's'; INSERT INTO comments (bug_report_id, user_id, content) VALUES (1, 1, 'hidden comment'), (20, 1, 'plain comment')");
caught_up($server);
$server->sql("UPDATE bug_reports SET project_id = 2 WHERE id = 1; DELETE FROM comments WHERE content = 'plain comment'");
$server->sql("DELETE FROM members WHERE user_id = 9");
caught_up($server);
$server->sql("UPDATE bugevents.deliveries SET next_attempt_at = now() WHERE state = 'waiting'");
$outside->all_sent($server);
is($server->sql("SELECT string_agg(DISTINCT n.bug_report_id, ' ') FROM bugevents.deliveries AS d JOIN bugevents.notifications AS n ON n.id = d.notification_id WHERE d.user_id = '8' AND channel = 'email' AND d.state = 'sent'"), '20', 'a digest has what may be seen');
my ($digest) = ($outside->mails_to('8@example.org'))[-1];
unlike($digest->{content}, qr/a private bug|hidden comment/, '... and nothing else in it');
is($server->sql("SELECT count(*) FROM bugevents.deliveries WHERE user_id = '9' AND channel = 'email' AND state <> 'skipped'"), '0', 'nor has who may see nothing a digest at all');

# A title that is for admins by now; a row that can't be judged.
$server->sql('DELETE FROM bugevents.deliveries; DELETE FROM bugevents.delivery_options');
$outside->behave(mail => 'busy');
$server->sql("UPDATE bug_reports SET status = 't' WHERE id = 20; INSERT INTO comments (bug_report_id, user_id, content) VALUES (20, 1, 'late')");
caught_up($server);
BugEvents::Server::wait_until(sub { $server->sql("SELECT count(*) > 0 AND count(*) FILTER (WHERE attempts = 1) = count(DISTINCT user_id) AND bool_and(state = 'waiting') FROM bugevents.deliveries WHERE channel = 'email'") eq 't' }, 'attempts');
$server->sql(q{SELECT bugevents.attach('bug_reports', 'bug_report', columns => '{"title": {"column": "title", "admin": true}}'),
	bugevents.attach('comments', 'comment', columns => '{"content": {"column": "content", "admin": true}}'); UPDATE bugevents.notifications SET title = NULL WHERE type = 'comment_added'});
$outside->behave();
$server->sql("UPDATE bugevents.deliveries SET next_attempt_at = now() WHERE state = 'waiting'");
$outside->all_sent($server);
is($server->sql("SELECT string_agg(DISTINCT state || ' ' || last_error, ', ') FROM bugevents.deliveries WHERE channel = 'email'"), 'skipped the user may not see it any more', 'a title that is for admins by now, a text of a comment likewise');
$server->sql("DELETE FROM bugevents.deliveries");
is($server->sql("SELECT bugevents.test_delivery('email', 'test\@example.org') IS NOT NULL"), 't', 'a test');
$outside->all_sent($server);
is(scalar($outside->mails_to('test@example.org')), 1, '... is nobody\'s, and goes');

# A table that is locked: it waits, and goes when that is over.
my $blocker = $server->session;
$server->sql("DELETE FROM bugevents.deliveries; SELECT bugevents.attach('bug_reports', 'bug_report')");
$outside->behave(mail => 'busy');
$server->sql("UPDATE bug_reports SET status = 'u' WHERE id = 20");
caught_up($server);
BugEvents::Server::wait_until(sub { $server->sql("SELECT count(*) > 0 AND count(*) FILTER (WHERE attempts = 1) = count(DISTINCT user_id) AND bool_and(state = 'waiting') FROM bugevents.deliveries WHERE channel = 'email'") eq 't' }, 'attempts');
$outside->behave();
$blocker->query_safe('BEGIN; LOCK TABLE members');
$server->sql("UPDATE bugevents.deliveries SET next_attempt_at = now() WHERE state = 'waiting'");
BugEvents::Server::wait_until(sub { $server->sql("SELECT bool_and(state = 'waiting' AND attempts = 1 AND next_attempt_at > now() + interval '10 seconds') FROM bugevents.deliveries WHERE channel = 'email'") eq 't' }, 'them to wait');
pass('what cannot be judged now waits');
$blocker->query_safe('COMMIT');
$blocker->quit;
$server->sql("UPDATE bugevents.deliveries SET next_attempt_at = now() WHERE state = 'waiting'");
$outside->all_sent($server);
is($server->sql("SELECT string_agg(DISTINCT state || ' ' || attempts, ', ') FROM bugevents.deliveries WHERE channel = 'email'"), 'sent 2', '... and goes afterwards');

# Who unsubscribes is told so.
$server->sql("INSERT INTO bugevents.deliveries (user_id, channel, address, next_attempt_at) VALUES ('8', 'email', 'x', now() + interval '1 hour'); INSERT INTO bugevents.delivery_options (user_id) VALUES ('8') ON CONFLICT DO NOTHING");
$server->sql("SELECT bugevents.unsubscribe((SELECT unsubscribe_token FROM bugevents.delivery_options WHERE user_id = '8'))");
is($server->sql("SELECT state || ' ' || last_error FROM bugevents.deliveries WHERE address = 'x'"), 'skipped the user has unsubscribed', 'unsubscribed');
$server->node->stop;
done_testing();
