# What five trackers and Bugzilla do to their tables, as the recipes attach them: each action of a user is one event for
# each row, whatever it is written with, of a state that was committed, and for nobody but who may see it.
#
# test/trackers/NAME.sql has of each what its recipe touches, and a view that says in plain SQL what is shown; how
# they write is that of their own code.
use strict;
use warnings;
use BugEvents::Server;
use JSON::PP;
use Test::More;

my $server = BugEvents::Server->start_new('trackers', tracker => 0);
my $session = $server->session(on_error_stop => 1);
my $json = JSON::PP->new->canonical->allow_nonref;
my ($tracker, %clients);

# Its tables, its recipe, and who is connected.
sub begin
{
	my ($name, %users) = @_;

	$tracker = $name;
	# attach() warns of what is followed only behind it.
	$session->query_safe("SET client_min_messages = error; \\i test/trackers/$name.sql");
	$session->query_safe("\\i recipes/$name.sql");
	$session->query_safe('RESET client_min_messages');
	%clients = map { $_ => $server->connect($_, role => $users{$_}) } sort keys %users;
	return;
}

sub end
{
	$_->drop for values %clients;
	$session->query_safe("SET client_min_messages = warning; DROP SCHEMA public CASCADE; DROP SCHEMA IF EXISTS bugevents_$tracker CASCADE;
		CREATE SCHEMA public; DELETE FROM bugevents.follows; RESET client_min_messages;");
	return;
}

# What is there: "type id" => payload.
sub shown
{
	my $rows = $json->decode($session->query_safe(q{SELECT coalesce(json_agg(json_build_array(type || ' ' || id, payload)), '[]') FROM shown}));

	return { map { $_->[0] => $_->[1] } @$rows };
}

sub position { return $session->query_safe('SELECT coalesce(max(seq), 0) FROM bugevents.events(0, 1000000)'); }

sub events
{
	my ($since) = @_;

	return @{ $json->decode($session->query_safe(qq{
		SELECT coalesce(json_agg(json_build_object('type', type, 'action', action, 'payload', payload, 'audience', audience) ORDER BY seq), '[]')
		FROM bugevents.events($since, 1000000)})) };
}

sub row_of
{
	my ($event) = @_;
	my $payload = $event->{payload};

	return "$event->{type} " . ($payload->{id} // "$payload->{user_id}:$payload->{project_id}");
}

sub name_of
{
	my ($event) = @_;
	my ($type, $id) = split / /, row_of($event), 2;

	return "$type $event->{action} $id";
}

# Which fields of a payload are others than what is shown?
sub differing
{
	my ($payload, $row) = @_;

	return '(no such row)' if !$row;
	return join ' ', grep { $json->encode($payload->{$_}) ne $json->encode($row->{$_}) } sort keys %$row;
}

# An event of a row that is nowhere, or of a state in which nobody could see it.
sub untrue
{
	my ($event, $before, $after) = @_;

	return () if $event->{action} eq 'moved_out';
	my $wrong = differing($event->{payload}, ($event->{action} eq 'deleted' ? $before : $after)->{ row_of($event) });

	return $wrong ? name_of($event) . ": $wrong" : ();
}

# Rows that are others than before, without an event; and those with two.  One that is created for who didn't see
# it is updated for who did (after "&"): nobody gets both.
sub miscounted
{
	my ($events, $before, $after) = @_;
	my %told;
	my %rows = (%$before, %$after);

	for my $event (grep { $_->{action} =~ /^(?:created|updated|deleted)$/ } @$events)
	{
		$told{ row_of($event) }++ if !($told{ row_of($event) } && $event->{action} eq 'updated' && $event->{audience} =~ / &/);
	}
	return ((map { "nothing of $_" } grep { !$told{$_} && $json->encode($before->{$_}) ne $json->encode($after->{$_}) } sort keys %rows),
		map { "$told{$_} times $_" } grep { $told{$_} > 1 } sort keys %told);
}

# One action: the events that come of what it writes, in their order.
sub act
{
	my ($what, $expected, $sql) = @_;
	my ($before, $since) = (shown(), position());

	$session->query_safe($sql);
	my @events = events($since);
	my $after = shown();

	is(join(', ', map { name_of($_) } @events), $expected, "$tracker: $what");
	is(join("\n", (map { untrue($_, $before, $after) } @events), miscounted(\@events, $before, $after)), '', '... one event for each row, as it is');
	return;
}

# What these received since they were asked last.
sub received
{
	my (%events) = @_;
	my $mark = $server->fence;

	is(join(', ', map { name_of($_) } $server->events_before_fence($clients{$_}, $mark)), $events{$_}, "... $_ received " . ($events{$_} || 'nothing'))
	  for sort keys %events;
	return;
}

sub redmine
{
	my $one = 'bug_report updated 1, bug_report status_changed 1, bug_report assigned 1, comment created 1';

	begin('redmine', 1 => 'admin', 2 => 'user', 3 => 'user', 4 => 'user');
	act('a new issue, and its place in the tree', 'bug_report created 1', <<~'END');
		BEGIN;
		INSERT INTO issues (project_id, subject, description, status_id, priority_id, author_id) VALUES (1, 'One', 'text', 1, 1, 2);
		UPDATE issues SET root_id = 1, lft = 1, rgt = 2 WHERE id = 1;
		COMMIT;
		END
	act('a form with a comment', $one, <<~'END');
		BEGIN;
		UPDATE issues SET status_id = 2, assigned_to_id = 3, subject = 'Uno', lock_version = 1, updated_on = '2026-01-02' WHERE id = 1 AND lock_version = 0;
		INSERT INTO journals (journalized_id, user_id, notes) VALUES (1, 2, 'on it');
		INSERT INTO journal_details (journal_id, property, prop_key, value) VALUES (1, 'attr', 'status_id', '2'), (1, 'attr', 'assigned_to_id', '3');
		COMMIT;
		END
	act('fields alone: their journal is no comment', 'bug_report updated 1', <<~'END');
		BEGIN;
		UPDATE issues SET priority_id = 2, lock_version = 2 WHERE id = 1;
		INSERT INTO journals (journalized_id, user_id, notes) VALUES (1, 2, '');
		COMMIT;
		END
	act('a child, which the parent adds up in several steps', 'bug_report created 2, bug_report updated 1', <<~'END');
		BEGIN;
		INSERT INTO issues (project_id, subject, status_id, priority_id, author_id, parent_id, done_ratio) VALUES (1, 'Two', 1, 1, 2, 1, 50);
		UPDATE issues SET root_id = 1, lft = 2, rgt = 3 WHERE id = 2;
		UPDATE issues SET rgt = 4 WHERE id = 1;
		UPDATE issues SET priority_id = 1 WHERE id = 1;
		UPDATE issues SET done_ratio = 25 WHERE id = 1;
		UPDATE issues SET done_ratio = 50 WHERE id = 1;
		COMMIT;
		END
	received(map { $_ => "bug_report created 1, $one, bug_report updated 1, bug_report created 2, bug_report updated 1" } 1 .. 4);

	act('a private issue', 'bug_report created 3', <<~'END');
		BEGIN;
		INSERT INTO issues (project_id, subject, status_id, priority_id, author_id, is_private) VALUES (1, 'Secret', 1, 1, 1, true);
		UPDATE issues SET root_id = 3, lft = 1, rgt = 2 WHERE id = 3;
		COMMIT;
		END
	act('a comment on it, and a private one on another', 'comment created 3, comment created 4', <<~'END');
		BEGIN;
		INSERT INTO journals (journalized_id, user_id, notes) VALUES (3, 2, 'a secret');
		INSERT INTO journals (journalized_id, user_id, notes, private_notes) VALUES (1, 2, 'between us', true);
		COMMIT;
		END
	received(3 => '', 4 => '', map { $_ => 'bug_report created 3, comment created 3, comment created 4' } 1, 2);
	act('an issue becomes private, with a comment in the same save', 'bug_report moved_out 1, bug_report updated 1, comment moved_out 1, comment created 5', <<~'END');
		BEGIN;
		UPDATE issues SET is_private = true, subject = 'Hidden', lock_version = 3 WHERE id = 1;
		INSERT INTO journals (journalized_id, user_id, notes) VALUES (1, 2, 'not for everybody');
		COMMIT;
		END
	received(4 => 'bug_report moved_out 1, comment moved_out 1', map { $_ => 'bug_report updated 1, comment created 5' } 1, 2, 3);
	act('a status is renamed', 'bug_report updated 2, bug_report status_changed 2, bug_report updated 3, bug_report status_changed 3',
		"UPDATE issue_statuses SET name = 'Open' WHERE id = 1;");
	received(1 => 'bug_report updated 2, bug_report status_changed 2, bug_report updated 3, bug_report status_changed 3', 4 => 'bug_report updated 2, bug_report status_changed 2');

	act('a user, whose address is written behind', 'user created 21', <<~'END');
		BEGIN;
		INSERT INTO users (login, type) VALUES ('new', 'User');
		INSERT INTO email_addresses (user_id, address, is_default) VALUES (21, 'new@example.org', true);
		COMMIT;
		END
	act('an address', 'user updated 21', "UPDATE email_addresses SET address = 'neu\@example.org' WHERE user_id = 21;");
	act('a member, whose role is written behind', 'membership created 21', <<~'END');
		BEGIN;
		INSERT INTO members (user_id, project_id) VALUES (4, 2);
		INSERT INTO member_roles (member_id, role_id) VALUES (21, 2);
		COMMIT;
		END
	act('an issue of the closed project', 'bug_report created 4',
		"INSERT INTO issues (project_id, subject, status_id, priority_id, author_id) VALUES (2, 'Inner', 1, 1, 2);");
	act('a member leaves', 'membership deleted 21', <<~'END');
		BEGIN;
		DELETE FROM member_roles WHERE member_id = 21;
		DELETE FROM members WHERE id = 21;
		COMMIT;
		END
	received(4 => 'membership created 21, bug_report created 4, membership deleted 21');
	act('a project is deleted: its modules, its members, and each issue with its journals',
		'membership deleted 2, membership deleted 3, bug_report deleted 4, project deleted 2', <<~'END');
		BEGIN;
		DELETE FROM enabled_modules WHERE project_id = 2;
		DELETE FROM member_roles WHERE member_id IN (2, 3);
		DELETE FROM members WHERE project_id = 2;
		DELETE FROM journals WHERE journalized_id = 4;
		UPDATE issues SET lock_version = lock_version + 1 WHERE id = 4;
		DELETE FROM issues WHERE id = 4;
		DELETE FROM projects WHERE id = 2;
		COMMIT;
		END
	received(4 => '');
	end();
	return;
}

# Create() of a ticket, with the group of its requestors.
sub new_ticket
{
	my ($ticket, $queue) = @_;
	my $group = 100 + $ticket;

	return <<~"END";
		BEGIN;
		INSERT INTO tickets (queue, type, subject, status, creator, lastupdated) VALUES ($queue, 'ticket', 'Printer', 'new', 13, now());
		UPDATE tickets SET effectiveid = $ticket WHERE id = $ticket;
		INSERT INTO principals (id, principaltype) VALUES ($group, 'Group');
		INSERT INTO groups VALUES ($group, 'Requestor', 'RT::Ticket-Role', $ticket);
		INSERT INTO cachedgroupmembers (groupid, memberid) VALUES ($group, $group);
		INSERT INTO cachedgroupmembers (groupid, memberid) VALUES ($group, 13);
		UPDATE tickets SET owner = 6 WHERE id = $ticket;
		INSERT INTO transactions (id, objecttype, objectid, type, creator) VALUES ($ticket, 'RT::Ticket', $ticket, 'Create', 13);
		INSERT INTO attachments (transactionid, contenttype, content, creator) VALUES ($ticket, 'text/plain', 'It is on fire', 13);
		UPDATE tickets SET lastupdated = now() + interval '1 second', lastupdatedby = 13 WHERE id = $ticket;
		COMMIT;
		END
}

sub request_tracker
{
	my $form = 'bug_report updated 1, bug_report status_changed 1, bug_report assigned 1';

	begin('rt', 11 => 'admin', 12 => 'user', 13 => 'user', 14 => 'user');
	act('a new ticket with its requestor and its text', 'bug_report created 1', new_ticket(1, 1));
	act('one in a queue that the staff has no right to', 'bug_report created 2', new_ticket(2, 2));
	received(12 => 'bug_report created 1', 14 => '', map { $_ => 'bug_report created 1, bug_report created 2' } 11, 13);
	act('a form: an UPDATE and a transaction for each field', $form, <<~'END');
		BEGIN;
		UPDATE tickets SET subject = 'Printer burns' WHERE id = 1;
		UPDATE tickets SET lastupdated = now() + interval '2 seconds' WHERE id = 1;
		INSERT INTO transactions (objecttype, objectid, type, field, creator, id) VALUES ('RT::Ticket', 1, 'Set', 'Subject', 12, 10);
		UPDATE tickets SET owner = 12 WHERE id = 1;
		UPDATE tickets SET lastupdated = now() + interval '3 seconds' WHERE id = 1;
		UPDATE tickets SET priority = 50 WHERE id = 1;
		UPDATE tickets SET started = now() WHERE id = 1;
		UPDATE tickets SET status = 'open' WHERE id = 1;
		UPDATE tickets SET timeworked = 5 WHERE id = 1;
		UPDATE tickets SET lastupdated = now() + interval '4 seconds', lastupdatedby = 12 WHERE id = 1;
		COMMIT;
		END
	act('an answer, and a comment that requestors don\'t see', 'comment created 3, comment created 4', <<~'END');
		BEGIN;
		INSERT INTO transactions (id, objecttype, objectid, type, creator) VALUES (11, 'RT::Ticket', 1, 'Correspond', 12), (12, 'RT::Ticket', 1, 'Comment', 12);
		INSERT INTO attachments (transactionid, contenttype, content, creator) VALUES (11, 'text/plain', 'Call the fire brigade', 12);
		INSERT INTO attachments (transactionid, contenttype, content, creator) VALUES (12, 'text/plain', 'Not again', 12);
		COMMIT;
		END
	received(12 => "$form, comment created 3, comment created 4", 13 => "$form, comment created 3", 14 => '');
	act('one more requestor', 'bug_report created 1, comment created 3', 'INSERT INTO cachedgroupmembers (groupid, memberid) VALUES (101, 14);');
	received(12 => '', 13 => '', 14 => 'bug_report created 1, comment created 3');
	act('a ticket is merged into another', 'bug_report deleted 2', <<~'END');
		BEGIN;
		UPDATE tickets SET effectiveid = 1 WHERE id = 2;
		UPDATE tickets SET ismerged = 1 WHERE id = 2;
		UPDATE tickets SET status = 'resolved' WHERE id = 2;
		COMMIT;
		END
	received(12 => '', 13 => 'bug_report deleted 2', 14 => '');
	act('a ticket goes to the other queue', 'bug_report moved_out 1, bug_report updated 1, comment moved_out 3, comment updated 3, comment moved_out 4, comment updated 4', <<~'END');
		BEGIN;
		UPDATE tickets SET queue = 2 WHERE id = 1;
		UPDATE tickets SET lastupdated = now() + interval '5 seconds' WHERE id = 1;
		COMMIT;
		END
	received(12 => 'bug_report moved_out 1, comment moved_out 3, comment moved_out 4', 14 => 'bug_report updated 1, comment updated 3');
	act('a user is disabled', 'user updated 13, user status_changed 13, bug_report moved_out 1, comment moved_out 3',
		'BEGIN; UPDATE principals SET disabled = 1 WHERE id = 13; UPDATE cachedgroupmembers SET disabled = 1 WHERE memberid = 13; COMMIT;');
	act('a ticket is deleted', 'bug_report deleted 1', "UPDATE tickets SET status = 'deleted' WHERE id = 1;");
	end();
	return;
}

sub roundup
{
	begin('roundup', 1 => 'admin', 3 => 'user');
	act('a new issue: its message, the issue, the link, what a detector does', 'bug_report created 1', <<~'END');
		BEGIN;
		INSERT INTO _msg (id, _author, _content) VALUES (1, 3, 'first');
		INSERT INTO _issue (id, _title, _creator) VALUES (1, 'Title', 3);
		INSERT INTO issue_messages VALUES (1, 1);
		INSERT INTO issue_nosy VALUES (3, 1);
		INSERT INTO issue__journal VALUES (1, now(), '3', 'create', '{}');
		UPDATE _issue SET _status = 1, _priority = 2 WHERE id = 1;
		UPDATE _issue SET _activity = '2026-01-02', _actor = 3 WHERE id = 1;
		COMMIT;
		END
	act('a form with a message: the links are written anew', 'bug_report updated 1, bug_report status_changed 1, bug_report assigned 1, comment created 2', <<~'END');
		BEGIN;
		INSERT INTO _msg (id, _author, _content) VALUES (2, 4, 'second');
		UPDATE _issue SET _title = 'A title', _assignedto = 4, _activity = '2026-01-03' WHERE id = 1;
		DELETE FROM issue_messages WHERE nodeid = 1;
		INSERT INTO issue_messages VALUES (1, 1);
		INSERT INTO issue_messages VALUES (2, 1);
		UPDATE _issue SET _status = 2 WHERE id = 1;
		UPDATE _issue SET _activity = '2026-01-04' WHERE id = 1;
		COMMIT;
		END
	act('a message is edited', 'comment updated 2', "UPDATE _msg SET _content = 'second, better' WHERE id = 2;");
	act('the first one is: it is the description', 'bug_report updated 1', "UPDATE _msg SET _content = 'first, better' WHERE id = 1;");
	act('a status is renamed', 'bug_report updated 1, bug_report status_changed 1', "UPDATE _status SET _name = 'talking' WHERE id = 2;");
	act('a message is retired', 'comment deleted 2', 'UPDATE _msg SET __retired__ = 2 WHERE id = 2;');
	act('... and comes back', 'comment created 2', 'UPDATE _msg SET __retired__ = 0 WHERE id = 2;');
	act('an issue is retired', 'bug_report deleted 1', 'UPDATE _issue SET __retired__ = 1, _activity = now() WHERE id = 1;');
	act('a user is retired', 'user updated 4, user status_changed 4', 'UPDATE _user SET __retired__ = 4 WHERE id = 4;');
	end();
	return;
}

sub trac
{
	my $form = 'bug_report updated 1, bug_report status_changed 1, bug_report assigned 1, comment created 1:2000000';

	begin('trac', ada => 'admin', bob => 'user');
	act('a new ticket', 'bug_report created 1', <<~'END');
		BEGIN;
		INSERT INTO ticket (type, "time", changetime, component, priority, owner, reporter, status, summary, description)
			VALUES ('defect', 1000000, 1000000, 'core', 'major', '', 'bob', 'new', 'One', 'text');
		INSERT INTO ticket_custom VALUES (1, 'due', '');
		COMMIT;
		END
	act('a form: an UPDATE and a change for each field, the comment, the time', $form, <<~'END');
		BEGIN;
		UPDATE ticket SET status = 'accepted' WHERE id = 1;
		INSERT INTO ticket_change VALUES (1, 2000000, 'ada', 'status', 'new', 'accepted');
		UPDATE ticket SET owner = 'ada' WHERE id = 1;
		INSERT INTO ticket_change VALUES (1, 2000000, 'ada', 'owner', '', 'ada');
		UPDATE ticket SET summary = 'Uno' WHERE id = 1;
		INSERT INTO ticket_change VALUES (1, 2000000, 'ada', 'summary', 'One', 'Uno');
		UPDATE ticket SET keywords = 'a b' WHERE id = 1;
		INSERT INTO ticket_change VALUES (1, 2000000, 'ada', 'keywords', NULL, 'a b');
		INSERT INTO ticket_change VALUES (1, 2000000, 'ada', 'comment', '1', 'Mine');
		UPDATE ticket SET changetime = 2000000 WHERE id = 1;
		COMMIT;
		END
	received(map { $_ => "bug_report created 1, $form" } qw(ada bob));
	act('a comment is edited', 'comment updated 1:2000000', <<~'END');
		BEGIN;
		INSERT INTO ticket_change VALUES (1, 2000000, 'ada', '_comment0', 'Mine', '3000000');
		UPDATE ticket_change SET newvalue = 'Mine alone' WHERE ticket = 1 AND "time" = 2000000 AND field = 'comment';
		COMMIT;
		END
	act('a component is renamed: it is another row, and tickets and their comments go along',
		'project deleted core, project created kernel, bug_report updated 1, comment updated 1:2000000', <<~'END');
		BEGIN;
		UPDATE component SET name = 'kernel', owner = 'ada' WHERE name = 'core';
		UPDATE ticket SET component = 'kernel' WHERE component = 'core';
		COMMIT;
		END
	act('a visit', '', "UPDATE session SET last_visit = 17 WHERE sid = 'bob';");
	act('an address, saved as Trac does: all attributes anew', 'user updated bob', <<~'END');
		BEGIN;
		DELETE FROM session_attribute WHERE sid = 'bob';
		INSERT INTO session_attribute VALUES ('bob', 1, 'name', 'Bob'), ('bob', 1, 'email', 'bob@example.org');
		COMMIT;
		END
	act('a permission by a group', 'user updated bob', "INSERT INTO permission VALUES ('bob', 'admins');");
	act('... which that group loses', 'user updated ada, user updated bob', "DELETE FROM permission WHERE username = 'admins';");
	act('a ticket is deleted', 'bug_report deleted 1, comment deleted 1:2000000', <<~'END');
		BEGIN;
		DELETE FROM ticket WHERE id = 1;
		DELETE FROM ticket_change WHERE ticket = 1;
		DELETE FROM ticket_custom WHERE ticket = 1;
		COMMIT;
		END
	end();
	return;
}

sub kanboard
{
	my $emptied = join ', ', 'project deleted 1', map({ "bug_report deleted $_" } 2, 3, 4), 'comment deleted 3';

	begin('kanboard', 1 => 'admin', 2 => 'user', 3 => 'user');
	act('a new task', 'bug_report created 1', "INSERT INTO tasks (title, project_id, column_id, position, creator_id) VALUES ('One', 1, 1, 1, 2);");
	act('more', 'bug_report created 2, bug_report created 3, bug_report created 4',
		"INSERT INTO tasks (title, project_id, column_id, position) VALUES ('Two', 1, 1, 2), ('Three', 1, 1, 3), ('Four', 1, 2, 1);");
	received(2 => join(', ', map { "bug_report created $_" } 1 .. 4), 3 => '');
	act('a task is dragged to another column: each of both columns is numbered, some twice',
		'bug_report updated 1, bug_report status_changed 1, bug_report updated 2, bug_report updated 3, bug_report updated 4', <<~'END');
		BEGIN;
		UPDATE tasks SET date_moved = 2000, date_modification = 2000 WHERE id = 1;
		UPDATE tasks SET position = 1, column_id = 1 WHERE id = 2;
		UPDATE tasks SET position = 2, column_id = 1 WHERE id = 3;
		UPDATE tasks SET position = 1, column_id = 2 WHERE id = 4;
		UPDATE tasks SET position = 1, column_id = 2 WHERE id = 1;
		UPDATE tasks SET position = 2, column_id = 2 WHERE id = 4;
		COMMIT;
		END
	act('two comments', 'comment created 1, comment created 2', "INSERT INTO comments (task_id, user_id, comment) VALUES (1, 2, 'one'), (1, 2, 'two');");
	act('a task is closed', 'bug_report updated 1, bug_report status_changed 1, project updated 1', <<~'END');
		BEGIN;
		UPDATE tasks SET is_active = false, date_completed = 3000 WHERE id = 1;
		UPDATE tasks SET date_modification = 3000 WHERE id = 1;
		UPDATE projects SET last_modified = 3000 WHERE id = 1;
		COMMIT;
		END
	act('a column is renamed', 'bug_report updated 4, bug_report status_changed 4', "UPDATE columns SET title = 'Doing' WHERE id = 2;");
	received(3 => '');
	act('a task goes to another project, where it is numbered again', join(', ', 'bug_report moved_out 1, bug_report created 1, bug_report updated 1, bug_report status_changed 1',
		map { "comment moved_out $_, comment created $_, comment updated $_" } 1, 2), <<~'END');
		BEGIN;
		UPDATE tasks SET is_active = true, project_id = 2, column_id = 3, swimlane_id = 2, category_id = 0, owner_id = 0, position = 7 WHERE id = 1;
		UPDATE tasks SET position = 1 WHERE id = 1;
		COMMIT;
		END
	received(3 => 'bug_report created 1, comment created 1, comment created 2');
	act('a task is deleted, with its comments by a cascade', 'bug_report deleted 1, comment deleted 1, comment deleted 2', 'DELETE FROM tasks WHERE id = 1;');
	received(3 => 'bug_report deleted 1, comment deleted 1, comment deleted 2');
	act('somebody comes into a group', 'project created 1, bug_report created 2, bug_report created 3, bug_report created 4', 'INSERT INTO group_has_users VALUES (1, 3);');
	act('a comment more', 'comment created 3', "INSERT INTO comments (task_id, user_id, comment) VALUES (2, 2, 'three');");
	received(3 => 'project created 1, bug_report created 2, bug_report created 3, bug_report created 4, comment created 3');
	act('a project is deleted, with all that is in it', $emptied, 'DELETE FROM projects WHERE id = 1;');
	received(3 => $emptied);
	end();
	return;
}

sub bugzilla
{
	begin('bugzilla', 1 => 'admin', 2 => 'user', 3 => 'user', 4 => 'user');
	act('a new bug', 'bug_report created 1', <<~'END');
		BEGIN;
		INSERT INTO bugs (assigned_to, bug_status, creation_ts, short_desc, priority, product_id, reporter, version) VALUES (2, 'NEW', '2026-01-01', 'Bug', 'P1', 1, 3, '1');
		INSERT INTO longdescs (bug_id, who, thetext) VALUES (1, 3, 'It fails');
		UPDATE bugs SET delta_ts = '2026-01-01 00:00:01' WHERE bug_id = 1;
		COMMIT;
		END
	act('a confidential one: the bug first, then its groups', 'bug_report created 2', <<~'END');
		BEGIN;
		INSERT INTO bugs (assigned_to, bug_status, creation_ts, short_desc, priority, product_id, reporter, version) VALUES (2, 'NEW', '2026-01-01', 'Hole', 'P1', 1, 3, '1');
		INSERT INTO bug_group_map VALUES (2, 2);
		INSERT INTO cc VALUES (2, 3);
		INSERT INTO longdescs (bug_id, who, thetext) VALUES (2, 3, 'Anybody can be root');
		UPDATE bugs SET lastdiffed = now() WHERE bug_id = 2;
		COMMIT;
		END
	received(4 => 'bug_report created 1', map { $_ => 'bug_report created 1, bug_report created 2' } 1 .. 3);
	act('a comment on it, and a private one', 'comment created 3, comment created 4', <<~'END');
		BEGIN;
		INSERT INTO longdescs (bug_id, who, thetext) VALUES (2, 2, 'Indeed');
		INSERT INTO longdescs (bug_id, who, thetext, isprivate) VALUES (2, 2, 'They know', 1);
		COMMIT;
		END
	received(2 => 'comment created 3, comment created 4', 3 => 'comment created 3', 4 => '');
	act('a form: fields, activity, a comment, times', 'bug_report updated 1, bug_report status_changed 1, bug_report assigned 1, comment created 5', <<~'END');
		BEGIN;
		UPDATE bugs SET bug_status = 'RESOLVED', resolution = 'FIXED', assigned_to = 3 WHERE bug_id = 1;
		INSERT INTO bugs_activity VALUES (1, 2, now(), 8, 'RESOLVED', 'NEW'), (1, 2, now(), 11, 'FIXED', '');
		INSERT INTO longdescs (bug_id, who, thetext) VALUES (1, 2, 'Done');
		UPDATE bugs SET delta_ts = '2026-01-02', status_whiteboard = 'x' WHERE bug_id = 1;
		COMMIT;
		END
	act('a bug becomes confidential, its comments with it', 'comment moved_out 5, bug_report moved_out 1, bug_report updated 1',
		"BEGIN; INSERT INTO bug_group_map VALUES (1, 2); UPDATE bugs SET delta_ts = '2026-01-03' WHERE bug_id = 1; COMMIT;");
	received(4 => 'bug_report updated 1, bug_report status_changed 1, bug_report assigned 1, comment created 5, comment moved_out 5, bug_report moved_out 1');
	act('somebody comes into the group', 'bug_report created 2, bug_report created 1, comment created 3, comment created 5', 'INSERT INTO user_group_map VALUES (4, 2);');
	received(4 => 'bug_report created 2, bug_report created 1, comment created 3, comment created 5');
	act('... and leaves it', 'bug_report moved_out 2, bug_report moved_out 1, comment moved_out 3, comment moved_out 5', 'DELETE FROM user_group_map WHERE user_id = 4;');
	act('a user is disabled', 'user updated 4, user status_changed 4', 'UPDATE profiles SET is_enabled = 0 WHERE userid = 4;');
	end();
	return;
}

redmine();
request_tracker();
roundup();
trac();
kanboard();
bugzilla();

$session->quit;
$server->node->stop;
done_testing();
