# What belongs to a bug or a user is kept when the row goes out of sight and comes back, moves to
# another partition or gets another key; and goes with the row, and with its table only.
use strict;
use warnings;
use BugEvents::Projector qw(caught_up);
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('kept', projector => 1, tracker => 0);
$server->sql(<<~'END');
	CREATE TABLE people (id text PRIMARY KEY, username text, email text, role text DEFAULT 'user', status text DEFAULT 'active',
		created_at timestamptz, updated_at timestamptz, gone boolean DEFAULT false);
	CREATE TABLE bugs (id text, title text, description text, status text DEFAULT 'open', priority text, assignee_id text, project_id int,
		created_at timestamptz, updated_at timestamptz, gone boolean DEFAULT false, part int DEFAULT 1) PARTITION BY LIST (part);
	CREATE TABLE bugs_1 PARTITION OF bugs FOR VALUES IN (1);
	CREATE TABLE bugs_2 PARTITION OF bugs FOR VALUES IN (2);
	SELECT bugevents.attach('people', 'user', filter => 'NOT row.gone'),
		bugevents.attach('bugs', 'bug_report', filter => 'NOT row.gone',
			audience => $$ARRAY['admin', 'project:' || row.project_id, 'user:' || coalesce(row.assignee_id, '0')]$$);
	INSERT INTO people (id, username) VALUES ('ada', 'ada'), ('bob', 'bob');
	INSERT INTO bugs (id, title, project_id, assignee_id) VALUES ('A-1', 'first', 1, 'ada'), ('A-2', 'second', 1, 'ada');
	SELECT bugevents.watch('A-1', 'ada'), bugevents.watch('A-1', 'bob'), bugevents.watch('A-2', 'bob');
	INSERT INTO bugevents.preferences VALUES ('ada', '*', 'email', false);
	SELECT bugevents.remind('A-1', now() + interval '1 day', 'ada');
	END

sub derived
{
	my ($sql) = @_;

	caught_up($server);
	return $server->sql($sql);
}

my $watchers = q{SELECT string_agg(bug_report_id || ' ' || user_id, ', ' ORDER BY bug_report_id, user_id) FROM bugevents.watchers};
my $told = q{SELECT string_agg(type || ' ' || user_id || coalesce(' ' || bug_report_id, ''), ', ' ORDER BY id) FROM bugevents.notifications};
my $all = 'A-1 ada, A-1 bob, A-2 bob';
my $first = 'welcome ada, welcome bob, bug_assigned ada A-1, bug_assigned ada A-2';

is(derived($watchers), $all, 'they watch');
is(derived($told), $first, 'and were told');

# Partitions.
$server->sql("UPDATE bugs SET part = 2 WHERE id = 'A-1'");
is(derived($watchers), $all, 'a bug that moves to another partition keeps its watchers');
is($server->sql('SELECT count(*) FROM bugevents.reminders'), 1, '... and reminders');
is(derived($told), $first, '... and is nothing new');

# Out of sight, and back.
$server->sql("UPDATE bugs SET gone = true WHERE id = 'A-1'; UPDATE people SET gone = true WHERE id = 'ada'");
is(derived($watchers), $all, 'what goes out of sight keeps what belongs to it');
$server->sql("UPDATE bugs SET gone = false WHERE id = 'A-1'; UPDATE people SET gone = false WHERE id = 'ada'");
is(derived($watchers), $all, '... and has it when it is back');
is($server->sql("SELECT count(*) FROM bugevents.notifications WHERE type = 'welcome' AND user_id = 'ada'"), 1, '... without another welcome');
is($server->sql("SELECT count(*) FROM bugevents.preferences WHERE user_id = 'ada'"), 1, '... with the preferences');

# Another key, in another project, too.
$server->sql("UPDATE bugs SET id = 'B-7', project_id = 2 WHERE id = 'A-1'");
is(derived($watchers), 'A-2 bob, B-7 ada, B-7 bob', 'a bug with another key takes its watchers along');
is($server->sql('SELECT bug_report_id FROM bugevents.reminders'), 'B-7', '... and its reminders');
is($server->sql("SELECT count(*) FROM bugevents.notifications WHERE type = 'bug_assigned' AND bug_report_id = 'B-7'"), 1, '... and what was told of it, which is not told again');
$server->sql("UPDATE people SET id = 'lovelace' WHERE id = 'ada'");
is(derived($watchers), 'A-2 bob, B-7 bob, B-7 lovelace', 'so does a user');
is($server->sql("SELECT user_id FROM bugevents.preferences"), 'lovelace', '... the preferences');
is($server->sql("SELECT count(*) FROM bugevents.notifications WHERE type = 'welcome'"), 2, '... and is not welcomed again');

# What is gone is gone; tables of one kind don't mind each other.
$server->sql("BEGIN; DELETE FROM bugs WHERE id = 'A-2'; INSERT INTO bugs (id, title, project_id) VALUES ('A-2', 'again', 1); COMMIT");
is(derived($watchers), 'A-2 bob, B-7 bob, B-7 lovelace', 'deleted and inserted again, it is the same');
$server->sql("DELETE FROM bugs WHERE id = 'A-2'");
is(derived($watchers), 'B-7 bob, B-7 lovelace', 'deleted, it has nothing any more');
$server->sql(q{CREATE TABLE others (LIKE bugs INCLUDING DEFAULTS); SELECT bugevents.attach('others', 'bug_report'); INSERT INTO others (id) VALUES ('O-1');
	SELECT bugevents.watch('O-1', 'bob')});
is(derived($watchers), 'B-7 bob, B-7 lovelace, O-1 bob', 'another table of bugs');
$server->sql('DROP TABLE others');
is(derived($watchers), 'B-7 bob, B-7 lovelace', 'a table that is dropped takes what belongs to its rows, nothing else');
$server->sql('TRUNCATE bugs_2');
is(derived($watchers), '', 'a partition that is emptied, too');

$server->node->stop;
done_testing();
