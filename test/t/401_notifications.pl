# Notifications: who hears of what, on the page and in the table.
use strict;
use warnings;
use BugEvents::Projector qw(caught_up);
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('notifications', projector => 1);
$server->sql(<<~'END');
	INSERT INTO users (username, email, role) VALUES ('ada', 'ada@example.org', 'admin'), ('bob', 'bob@example.org', 'user'),
		('cyd', 'cyd@example.org', 'user'), ('dan', 'dan@example.org', 'user');
	INSERT INTO projects (name) VALUES ('one');
	END

# "type user" of those since the last call, in order.
my $last = 0;

sub told
{
	caught_up($server);
	my @rows = split /\n/, $server->sql("SELECT type || ' ' || user_id FROM bugevents.notifications WHERE id > $last ORDER BY id");
	$last = $server->sql('SELECT coalesce(max(id), 0) FROM bugevents.notifications');
	return join ', ', sort @rows;
}

is(told(), 'welcome 1, welcome 2, welcome 3, welcome 4', 'new users are welcome');

my $bob = $server->connect('2');
my $cyd = $server->connect('3');
my $ada = $server->connect('1', role => 'admin');
$_->send_json({ type => 'subscribe', payload => { types => ['notification'] } }), $_->next_json for $bob, $cyd, $ada;

# Assignment.
$server->sql("SET bugevents.actor = '1'; INSERT INTO bug_reports (title, creator_id, assignee_id, project_id) VALUES ('It crashes', 1, 2, 1)");
my $event = $bob->next_event;
is_deeply([ @$event{qw(type action)} ], [ 'notification', 'bug_assigned' ], 'the assignee hears of it on the page');
is_deeply({ map { $_ => $event->{payload}{$_} } qw(type user_id bug_report_id title read count) },
	{ type => 'bug_assigned', user_id => 2, bug_report_id => 1, title => 'It crashes', read => JSON::PP::false, count => 1 }, '... with what it is about');
is(told(), 'bug_assigned 2', '... and finds it in the table');
$server->sql("INSERT INTO bug_reports (title, creator_id, assignee_id) VALUES ('mine', 3, 3)");
is(told(), '', 'who creates a bug of his own is not told');
$server->sql("SET bugevents.actor = '4'; UPDATE bug_reports SET assignee_id = 4 WHERE id = 2");
is(told(), '', 'nor who takes one');
$server->sql("SET bugevents.actor = '1'; UPDATE bug_reports SET assignee_id = 3 WHERE id = 2");
is(told(), 'bug_assigned 3', 'who is given one is');
$server->sql('UPDATE bug_reports SET assignee_id = NULL WHERE id = 2');
is(told(), '', 'nobody is left');
$server->sql('UPDATE bug_reports SET assignee_id = 3 WHERE id = 2');
is(told(), '', 'assigned again within a minute: the same notification');
is($server->sql("SELECT count FROM bugevents.notifications WHERE user_id = '3' AND type = 'bug_assigned'"), '2', '... counts two');

# Status and priority; creator 1, assignee 2.
$server->sql("SET bugevents.actor = '2'; UPDATE bug_reports SET status = 'closed', priority = 'high' WHERE id = 1");
is(told(), 'priority_changed 1, status_changed 1', 'status and priority: the creator, not who did it');
is($server->sql("SELECT message || '|' || status FROM bugevents.notifications WHERE type = 'status_changed'"), 'Status changed from open to closed|closed', '... says from what to what');
$server->sql("UPDATE bug_reports SET status = 'open' WHERE id = 1");
is(told(), 'status_changed 2', 'nobody known to have done it: the other one hears, and the first one has it counted');

# Comments make watchers.
$server->sql("INSERT INTO comments (bug_report_id, user_id, content) VALUES (1, 4, 'me too')");
is(told(), 'comment_added 1, comment_added 2', 'a comment: creator and assignee');
$server->sql("INSERT INTO comments (bug_report_id, user_id, content) VALUES (1, 2, repeat('é', 300))");
is(told(), 'comment_added 4', 'the next one: also who commented before; the author not');
is($server->sql("SELECT left(message, 3) || length(message) FROM bugevents.notifications WHERE type = 'comment_added' AND user_id = '4'"), 'ééé103', '... cut at a character');
is($server->sql("SELECT string_agg(user_id, ' ' ORDER BY user_id) FROM bugevents.watchers WHERE bug_report_id = '1'"), '2 4', 'they watch');

# Who takes part at that moment, not today: all of it is read afterwards.
my $holder = $server->session;
$holder->query_safe('BEGIN; LOCK TABLE bugevents.projector');
$server->sql(<<~'END');
	INSERT INTO bug_reports (title, creator_id, assignee_id) VALUES ('moves', 1, 2);
	UPDATE bug_reports SET priority = 'high' WHERE title = 'moves';
	UPDATE bug_reports SET assignee_id = 3 WHERE title = 'moves';
	UPDATE bug_reports SET priority = 'low' WHERE title = 'moves';
	SELECT bugevents.watch((SELECT id::text FROM bug_reports WHERE title = 'moves'), '4');
	UPDATE bug_reports SET status = 'done' WHERE title = 'moves';
	SELECT bugevents.unwatch((SELECT id::text FROM bug_reports WHERE title = 'moves'), '4');
	UPDATE bug_reports SET priority = 'none' WHERE title = 'moves';
	END
$holder->query_safe('COMMIT');
$holder->quit;
is(told(), 'bug_assigned 2, bug_assigned 3, priority_changed 1, priority_changed 2, priority_changed 3, status_changed 1, status_changed 3, status_changed 4',
	'who took part at each moment');
is($server->sql(<<~'END'), '1 3, 2 1, 3 2', '... so often');
	SELECT string_agg(user_id || ' ' || count, ', ' ORDER BY user_id) FROM bugevents.notifications
	 WHERE type = 'priority_changed' AND title = 'moves'
	END

# To their user only, whoever else is connected.
$server->sql("INSERT INTO bug_reports (title, assignee_id) VALUES ('for each', 1), ('for each', 3)");
for ([ $ada, 1 ], [ $cyd, 3 ])
{
	my ($ws, $id) = @$_;
	my %users = map { ($_->{payload}{user_id} => 1) } $ws->events_until(sub { ($_[0]{payload}{title} // '') eq 'for each' });
	is(join(' ', sort keys %users), $id, "user $id heard of what is for user $id, and of nothing else");
}
told();

# A storm.
$server->sql(<<~'END');
	INSERT INTO bug_reports (title, creator_id) VALUES ('storm', 2);
	DO $$ BEGIN
		FOR i IN 1..1000 LOOP
			UPDATE bug_reports SET status = 's' || i WHERE title = 'storm';
			COMMIT;
		END LOOP;
	END $$;
	END
is(told(), 'status_changed 2', 'a thousand changes: one notification');
is($server->sql("SELECT count || message FROM bugevents.notifications WHERE title = 'storm'"), '1000Status changed from open to s1000', '... that tells what became of it in all');

# Read.
is($server->sql("SELECT bugevents.mark_read((SELECT max(id) FROM bugevents.notifications), '3')"), 'f', "another user's can't be read");
is($server->sql("SELECT bugevents.mark_read((SELECT max(id) FROM bugevents.notifications), '2')"), 't', 'read');
is($server->sql("SELECT bugevents.mark_read((SELECT max(id) FROM bugevents.notifications), '2')"), 'f', 'once');
my $read = $bob->wait_for(sub { $_[0]{action} eq 'read' });
is($read->{payload}{title}, 'storm', 'the pages hear that it was read');
$server->sql("UPDATE bug_reports SET status = 'again' WHERE title = 'storm'");
is(told(), 'status_changed 2', 'what was read is not counted on');
cmp_ok($server->sql("SELECT bugevents.mark_all_read('2')"), '>', 3, 'all are read');
is($server->sql("SELECT count(*) FROM bugevents.notifications WHERE user_id = '2' AND NOT read"), '0', '... none is left');

# Preferences: none on the page.
$server->sql("INSERT INTO bugevents.preferences VALUES ('2', '*', 'page', false), ('2', 'bug_assigned', 'page', true)");
$server->sql("UPDATE bug_reports SET status = 'x' WHERE title = 'storm'; UPDATE bug_reports SET assignee_id = 2 WHERE title = 'storm'");
told();
is($server->sql("SELECT string_agg(type || hidden::text, ' ' ORDER BY type) FROM (SELECT * FROM bugevents.notifications WHERE user_id = '2' ORDER BY id DESC LIMIT 2) n"),
	'bug_assignedfalse status_changedtrue', 'preferences by type, and for all others');
is($bob->wait_for(sub { $_[0]{type} eq 'notification' && $_[0]{action} !~ /^(read|deleted)$/ && $_[0]{payload}{status} ne 'again' && $_[0]{payload}{title} eq 'storm' && $_[0]{payload}{count} == 1 && $_[0]{payload}{status} !~ /^s\d/ })->{action},
	'bug_assigned', 'a hidden one is not told on the page');

# Deleting.
$server->sql("DELETE FROM comments WHERE content = 'me too'");
caught_up($server);
is($server->sql("SELECT count(*) FROM bugevents.notifications WHERE comment_id = '1'"), '0', 'a comment goes with what was told of it');
is($server->sql("SELECT string_agg(user_id || ' ' || count || ' ' || left(message, 3), ' ') FROM bugevents.notifications WHERE type = 'comment_added'"), '1 1 ééé 4 1 ééé', '... what tells of others, too, stays without it');
$server->sql("DELETE FROM comments WHERE id = 2");
caught_up($server);
is($server->sql("SELECT count(*) FROM bugevents.notifications WHERE type = 'comment_added'"), '0', '... when the last one goes that it tells of');
$server->sql("DELETE FROM bug_reports WHERE title = 'moves'");
caught_up($server);
is($server->sql("SELECT count(*) FROM bugevents.notifications WHERE title = 'moves'"), '0', 'so does a bug');
my $owned = join ' UNION ALL ', map { "SELECT user_id FROM bugevents.$_" } qw(notifications watchers project_watchers muted preferences reminders delivery_options);
$server->sql("INSERT INTO bugevents.delivery_options (user_id) VALUES ('4'), ('2'); INSERT INTO bugevents.preferences VALUES ('4', '*', 'email', true); SELECT bugevents.watch(project_id => '1', user_id => '4'), bugevents.mute('1', '4'), bugevents.remind('1', now() + interval '1 day', '4')");
is($server->sql("SELECT string_agg(DISTINCT user_id, ' ' ORDER BY user_id) FROM ($owned) AS o WHERE user_id = '4'"), '4', '(there is something of his)');
$server->sql("DELETE FROM users WHERE id = 4");
caught_up($server);
is($server->sql("SELECT count(*) FROM ($owned UNION ALL SELECT id FROM bugevents.people) AS o WHERE user_id = '4'"), '0', 'and a user');

# Own user only.
my ($out, $err) = ('', '');
is($server->node->psql('postgres', "SET bugevents.actor = '2'; SELECT bugevents.watch('1', '3')", stderr => \$err), 3, 'nobody watches for another');
like($err, qr/user "2" cannot watch for user "3"/, '... and is told why');
$server->sql("CREATE ROLE web LOGIN");
is($server->node->psql('postgres', "SELECT bugevents.watch('1', '2')", extra_params => [ '-U', 'web' ], stderr => \$err), 3, 'not everybody may call it');
is($server->sql('SELECT count(*) FROM bugevents.projector_errors'), '0', 'no event was set aside');

# A backend that has the rights which the documentation gives it.
my ($grants) = PostgreSQL::Test::Utils::slurp_file('docs/notifications.md') =~ /```sql\n(GRANT .*?)```/s;
$server->sql("CREATE ROLE backend LOGIN; $grants");
$server->sql("INSERT INTO bugevents.delivery_options (user_id) VALUES ('3') ON CONFLICT DO NOTHING");
is($server->node->safe_psql('postgres', <<~'END', extra_params => [ '-U', 'backend' ]), "t\n3", 'a backend can do with its rights what it needs');
	SELECT FROM bugevents.watch('1', '3');
	SELECT FROM bugevents.unwatch('1', '3');
	SELECT FROM bugevents.remind('1', now() + interval '1 day', '3', '1 day');
	SELECT bugevents.mark_read((SELECT max(id) FROM bugevents.notifications WHERE NOT read));
	SELECT FROM bugevents.mark_all_read('3');
	INSERT INTO bugevents.preferences VALUES ('3', 'bug_assigned', 'email', true);
	SELECT bugevents.unsubscribe((SELECT unsubscribe_token FROM bugevents.delivery_options WHERE user_id = '3'));
	DELETE FROM bugevents.reminders WHERE user_id = '3';
	END
$server->sql("DELETE FROM bugevents.preferences WHERE user_id = '3'");

# All users gone: who comes next may get their ids, and nothing that was theirs.
$server->sql('TRUNCATE users RESTART IDENTITY CASCADE');
caught_up($server);
is($server->sql("SELECT count(*) FROM ($owned UNION ALL SELECT id FROM bugevents.people) AS o"), '0', 'TRUNCATE of users leaves nothing of theirs');
BugEvents::Server::wait_until(sub { $server->sql("SELECT n_tup_ins > 0 AND n_tup_del > 0 FROM pg_stat_all_tables WHERE relid = 'bugevents.notifications'::regclass") eq 't' }, 'the statistics');
pass('autovacuum learns what the projector writes');
done_testing();
