# What notifications say, and who gets them why: folding loses nothing, mentions, projects, muting, due dates.
use strict;
use warnings;
use BugEvents::Outside;
use BugEvents::Projector qw(caught_up);
use BugEvents::Server;
use JSON::PP;
use Test::More;

my $outside = BugEvents::Outside->start;
my $server = BugEvents::Server->start_new('told', projector => 1, tracker => 0, conf => $outside->conf =~ s/^.*(whatsapp|webhook).*\n//mgr . <<~'END');
	bugevents.tracker_url = 'https://tracker.example.org/p/{project_id}/bugs/{id}?x=1'
	bugevents.fold_interval = 10min
	bugevents.retry_delay = 20ms
	END
$server->sql(<<~'END');
	SELECT bugevents.create_tracker();
	ALTER TABLE bug_reports ADD COLUMN due_at text, ADD COLUMN secret boolean DEFAULT false;
	SELECT bugevents.attach('bug_reports', 'bug_report', extra => '{due_at}', audience => $$CASE WHEN row.secret THEN 'user:1' ELSE 'all' END$$);
	INSERT INTO users (username, email) VALUES ('ada', 'ada@example.org'), ('bob.b', NULL), ('cyd', NULL), ('dan', NULL), ('eve', NULL);
	INSERT INTO projects (name) VALUES ('one'), ('two');
	END
caught_up($server);

my $last = 0;

# "type user reason actor" of those since the last call.
sub told
{
	caught_up($server);
	my @rows = split /\n/, $server->sql("SELECT concat_ws(' ', type, user_id, reason, 'by ' || actor) FROM bugevents.notifications WHERE id > $last ORDER BY id");
	$last = $server->sql('SELECT coalesce(max(id), 0) FROM bugevents.notifications');
	return join ', ', sort @rows;
}
told();

sub as { my ($user, $sql) = @_; return $server->sql("SET bugevents.actor = '$user'; $sql"); }
sub latest { my ($what, $user) = @_; return $server->sql("SELECT $what FROM bugevents.notifications WHERE user_id = '$user' ORDER BY updated_at DESC, id DESC LIMIT 1"); }

my $page = $server->connect('2');

# Why, by whom, where, what.
as(1, "INSERT INTO bug_reports (title, creator_id, assignee_id, project_id) VALUES ('It crashes', 1, 2, 1)");
is(told(), 'bug_assigned 2 assignee by 1', 'the assignee is told who did it, and why');
my $seen = $page->wait_for(sub { $_[0]{type} eq 'notification' && $_[0]{action} eq 'bug_assigned' });
is_deeply([ @{ $seen->{payload} }{qw(actor reason url project_id)} ], [ '1', 'assignee', 'https://tracker.example.org/p/1/bugs/1?x=1', 1 ], '... on the page, too, with a link');
is($server->sql("SELECT bugevents.bug_url(E'a/b \\u00fc?<\"&{project_id}')") =~ s/.*bugs//r, '/a%2Fb%20%C3%BC%3F%3C%22%26%7Bproject_id%7D?x=1', 'a link is a link, whatever the id is');
as(3, "UPDATE bug_reports SET status = 'busy', priority = 'high' WHERE id = 1");
is(told(), 'priority_changed 1 creator by 3, priority_changed 2 assignee by 3, status_changed 1 creator by 3, status_changed 2 assignee by 3', 'each by a reason of his own');
as(4, "UPDATE bug_reports SET status = 'closed' WHERE id = 1");
is(told(), '', 'folded');
is_deeply([ split /\|/, $server->sql("SELECT message, changes, count, actor, created_at < updated_at FROM bugevents.notifications WHERE type = 'status_changed' AND user_id = '2'") ],
	[ 'Status changed from open to closed', '{"status": ["open", "closed"]}', 2, 4, 't' ], '... it says what became of it over all, and who was the last');
$seen = $page->wait_for(sub { $_[0]{type} eq 'notification' && $_[0]{action} eq 'status_changed' && $_[0]{payload}{count} == 2 });
is_deeply($seen->{payload}{changes}, { status => [ 'open', 'closed' ] }, '... as JSON on the page');
as(4, "UPDATE bug_reports SET status = 'open' WHERE id = 1");
told();
is($server->sql("SELECT message FROM bugevents.notifications WHERE type = 'status_changed' AND user_id = '2'"), 'Status changed, and is open again', '... and when nothing did');

# The list has what changed last first.
is(latest('type', 2), 'status_changed', 'what counts on comes first');
as(4, "UPDATE bug_reports SET priority = 'low' WHERE id = 1");
told();
$page->send_json({ type => 'list', id => 'l', payload => { type => 'notification', limit => 1 } });
my $list = $page->wait_for(sub { ($_[0]{id} // '') eq 'l' })->{payload};
is($list->{items}[0]{type}, 'priority_changed', '... in the list that pages ask for');
my @types = $list->{items}[0]{type};
while (defined $list->{next})
{
	$page->send_json({ type => 'list', id => "l$#types", payload => { type => 'notification', limit => 1, after => $list->{next} } });
	my $id = "l$#types";
	$list = $page->wait_for(sub { ($_[0]{id} // '') eq $id })->{payload};
	push @types, map { $_->{type} } @{ $list->{items} };
}
is("@types", 'priority_changed status_changed bug_assigned welcome', '... page by page, each once');

# Mentions: one rule.
$server->sql("INSERT INTO comments (bug_report_id, user_id, content) VALUES (1, 4, 'hello \@cyd, mail x\@eve.org, \@bob.b. and \@nobody \@\@eve \@Eve \@ada\@example.org')");
is(told(), 'comment_added 1 creator by 4, mentioned 2 mentioned by 4, mentioned 3 mentioned by 4', 'who is named, is mentioned; an address names nobody, nor does another spelling') or diag latest('message', 3);
$server->sql("UPDATE comments SET content = content || ' \@eve' WHERE id = 1");
is(told(), 'mentioned 5 mentioned by 4', 'an edited comment: who is named now');
$server->sql("UPDATE comments SET content = content || '!' WHERE id = 1");
is(told(), '', '... once');
as(1, "INSERT INTO bug_reports (title, description, creator_id, assignee_id, project_id, secret) VALUES ('hidden', 'see \@ada, \@cyd', 1, 1, 1, true)");
is(told(), '', 'who may not see it, is not told; nor who mentions himself');
as(2, "INSERT INTO bug_reports (title, description, creator_id, project_id) VALUES ('open', 'see \@cyd', 2, 2)");
is(told(), 'mentioned 3 mentioned by 2', 'a description mentions, too');
as(2, "UPDATE bug_reports SET description = '\@dan and \@cyd' WHERE title = 'open'");
is(told(), 'mentioned 4 mentioned by 2', '... whom it names now');
as(2, "INSERT INTO bug_reports (title, description, creator_id, project_id) VALUES ('many', (SELECT string_agg('\@user' || n, ' ') FROM generate_series(1, 10000) AS n) || ' \@cyd', 2, 2)");
is(told(), '', 'a text names no more than fifty');
$server->sql(<<~'END');
	CREATE TABLE staff (LIKE users INCLUDING ALL);
	INSERT INTO staff (id, username, email) OVERRIDING SYSTEM VALUE VALUES (900, 'ümit', 'u@example.org');
	SELECT bugevents.attach('staff', 'user');
	INSERT INTO comments (bug_report_id, user_id, content) VALUES (3, 4, 'and @ümit');
	END
like(told(), qr/\bmentioned 900 mentioned by 4/, 'a user from before the table was attached');

# Projects.
$page = $server->connect('2');
$server->sql("SELECT bugevents.watch(project_id => '2', user_id => '5')");
as(2, "INSERT INTO bug_reports (title, creator_id, assignee_id, project_id) VALUES ('in two', 2, 3, 2), ('in one', 2, 3, 1)");
is(told(), 'bug_assigned 3 assignee by 2, bug_assigned 3 assignee by 2, bug_created 5 project_watcher by 2', 'who watches a project hears of its new bugs');
as(2, "UPDATE bug_reports SET status = 'x' WHERE title LIKE 'in %'");
is(told(), 'status_changed 3 assignee by 2, status_changed 3 assignee by 2, status_changed 5 project_watcher by 2', '... and of what happens to them');
$page->send_json({ type => 'watch', id => 'w', payload => { project_id => 1 } });
is_deeply($page->wait_for(sub { ($_[0]{id} // '') eq 'w' })->{payload}, { watching => JSON::PP::true }, 'a page watches a project');
$page->send_json({ type => 'watch', id => 'v', payload => { project_id => 77 } });
is($page->wait_for(sub { ($_[0]{id} // '') eq 'v' })->{payload}{code}, 'not_found', '... that is there');
caught_up($server);
is($server->sql("SELECT string_agg(project_id || ' ' || user_id, ', ' ORDER BY user_id) FROM bugevents.project_watchers"), '1 2, 2 5', '... which is noted');
$page->send_json({ type => 'unwatch', id => 'u', payload => { project_id => '1' } });
is_deeply($page->wait_for(sub { ($_[0]{id} // '') eq 'u' })->{payload}, { watching => JSON::PP::false }, '... and no more');
$server->sql("SELECT bugevents.unwatch(project_id => '2', user_id => '5')");
caught_up($server);
is($server->sql('SELECT count(*) FROM bugevents.project_watchers'), 0, '... by either way');
for ("bugevents.watch('1')", "bugevents.watch(user_id => '1')", "bugevents.watch('1', '2', '3')", "bugevents.watch(project_id => '1')")
{
	my $error = '';
	$server->node->psql('postgres', "SELECT $_", stderr => \$error);
	like($error, qr/a user, and either a bug or a project, must be given/, $_);
}

# Muting.
$server->sql("SELECT bugevents.mute('1', '2')");
my $muted = $page->wait_for(sub { $_[0]{type} eq 'watch' && $_[0]{action} eq 'muted' });
is($muted->{payload}{bug_report_id}, 1, 'pages hear that a bug is muted');
told();
$server->sql("INSERT INTO comments (bug_report_id, user_id, content) VALUES (1, 3, 'about \@bob.b'); SELECT bugevents.remind('1', now(), '2')");
BugEvents::Server::wait_until(sub { $server->sql('SELECT count(*) FROM bugevents.reminders') eq '0' }, 'the reminder');
is(told(), 'comment_added 4 watcher by 3, reminder_sent 2 reminder', 'who has muted a bug hears nothing of it, but what he wanted to be reminded of');
$server->sql("SELECT bugevents.unmute('1', '2')");
as(3, "UPDATE bug_reports SET priority = 'p' WHERE id = 1");
told();
$server->sql('UPDATE bugevents.notifications SET read = true');
as(3, "UPDATE bug_reports SET priority = 'q' WHERE id = 1");
like(told(), qr/priority_changed 2 assignee/, '... until he wants to');

# Due dates.
as(1, "UPDATE bug_reports SET due_at = (now() + interval '25 hours')::text WHERE id = 1");
caught_up($server);
is($server->sql("SELECT of_due_date AND due_at BETWEEN now() + interval '55 minutes' AND now() + interval '1 hour' FROM bugevents.reminders"), 't', 'a due date reminds a day before');
as(1, "UPDATE bug_reports SET due_at = (now() + interval '2 days')::date::text WHERE id = 1");
caught_up($server);
is($server->sql("SELECT count(*) || to_char(max(due_at) AT TIME ZONE current_setting('TimeZone'), ' HH24:MI') FROM bugevents.reminders"), '1 09:00', '... it moves with it; a date is nine in the morning');
as(1, "UPDATE bug_reports SET due_at = '9999-99-99', status = 'nonsense' WHERE id = 1");
caught_up($server);
is($server->sql('SELECT count(*) FROM bugevents.reminders'), 0, 'what is no date reminds nobody');
like(told(), qr/status_changed 2/, '... and holds nothing else up');
as(1, "UPDATE bug_reports SET due_at = (now() + interval '1 hour')::text WHERE id = 1");
BugEvents::Server::wait_until(sub { latest('type', 2) eq 'reminder_sent' }, 'the reminder');
is(latest("reason || ' ' || left(message, 8)", 2), 'assignee A bug is', 'what is due in less is told at once');

# Folding joins what is not sent, and a mail says all that it stands for.
$server->sql("INSERT INTO bugevents.preferences VALUES ('1', 'comment_added', 'email', true); UPDATE bugevents.notifications SET created_at = created_at - interval '1 day', updated_at = updated_at - interval '1 day'");
sub comment { my ($text) = @_; $server->sql("INSERT INTO comments (bug_report_id, user_id, content) VALUES (1, 3, '$text')"); return; }
sub mails { return map { $_->{content} } $outside->mails_to('ada@example.org'); }
comment('the first remark');
$outside->all_sent($server);
is(scalar(mails()), 1, 'a mail at once');
comment('the second remark');
caught_up($server);
$server->sql("UPDATE bugevents.notifications SET read = false WHERE user_id = '1'");
comment('the third remark');
caught_up($server);
is($server->sql("SELECT string_agg(count::text, ' ' ORDER BY id) FROM bugevents.notifications WHERE user_id = '1' AND type = 'comment_added' AND updated_at > now() - interval '1 hour'"), '1 2',
	'what is sent is not joined; what is not is');
is($server->sql("SELECT next_attempt_at > now() + interval '9 minutes' FROM bugevents.deliveries WHERE state = 'waiting'"), 't', '... and is held for the while, so that a storm is two mails');
$server->sql("DELETE FROM comments WHERE content = 'the third remark'");
comment('the fourth remark');
caught_up($server);
$server->sql("UPDATE bugevents.deliveries SET next_attempt_at = now() WHERE state = 'waiting'");
$outside->all_sent($server);
my ($mail) = grep { /the fourth remark/ } mails();
like($mail, qr/the second remark.*the fourth remark/s, 'a mail has every comment that it stands for');
unlike(join('', mails()), qr/the third remark/, '... that is still there');
is(scalar(grep { /the second remark/ } mails()), 1, '... once');

# What the reader may not see when it goes is not in it; who has muted the bug gets none.
$server->sql("UPDATE bugevents.notifications SET created_at = created_at - interval '1 day', updated_at = updated_at - interval '1 day'");
comment('sent before');
$outside->all_sent($server);
comment('a slip');
comment('a remark');
caught_up($server);
$server->sql("ALTER TABLE comments DISABLE TRIGGER ALL; DELETE FROM comments WHERE content = 'a slip'; ALTER TABLE comments ENABLE TRIGGER ALL");
$server->sql("UPDATE bugevents.deliveries SET next_attempt_at = now() WHERE state = 'waiting'");
$outside->all_sent($server);
unlike(join('', mails()), qr/a slip/, 'what is gone when a mail goes is not in it');
like(join('', mails()), qr/a remark/, '... and the rest is');
comment('unheard');
caught_up($server);
$server->sql("SELECT bugevents.mute('1', '1')");
caught_up($server);
$server->sql("UPDATE bugevents.deliveries SET next_attempt_at = now() WHERE state = 'waiting'");
$outside->all_sent($server);
is($server->sql("SELECT last_error FROM bugevents.deliveries WHERE state = 'skipped'"), 'the user has muted the bug', 'what waits when a bug is muted is not sent');

# A claim of the courier and a fold at the same time.
$server->sql("SELECT bugevents.unmute('1', '1'); UPDATE bugevents.notifications SET created_at = created_at - interval '1 day', updated_at = updated_at - interval '1 day'");
for my $n (1 .. 60)
{
	comment("r$n-");
	$server->sql("UPDATE bugevents.deliveries SET next_attempt_at = now() WHERE state = 'waiting'") if $n % 3 == 0;
}
caught_up($server);
$server->sql("UPDATE bugevents.deliveries SET next_attempt_at = now() WHERE state = 'waiting'");
$outside->all_sent($server);
my $all = join '', mails();
is(join(' ', grep { my $n = $_; (() = $all =~ /r$n-/g) == 0 } 1 .. 60), '', 'whenever the courier claims: no comment is missing');
is($server->sql('SELECT count(*) FROM bugevents.projector_errors'), '0', 'no event was set aside');
done_testing();
