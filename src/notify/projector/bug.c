/*
 * bug.c - what the projector knows of bugs.
 */
#include "notify/projector/bug.h"

#include "server/base/statement.h"
#include "server/responder/row_fetch.h"

void
be_bug_of_change(BeBug *bug, BeChange *change)
{
	*bug = (BeBug) {
		.id = change->key,
		.title = be_change_open_text(change, "title"),
		.status = be_change_text(change, "status"),
		.creator = be_change_text(change, "creator_id"),
		.assignee = be_change_text(change, "assignee_id"),
	};
}

static bool
find_current(BeBug *bug, const char *id)
{
	BeSpan		record = be_current_find("bug_report", id);
	BeEvent		event;
	BeChange	change;

	if (record.len == 0 || !be_event_read(record.data, record.len, &event))
		return false;
	be_change_read(&change, 0, 0, &event);
	be_bug_of_change(bug, &change);
	be_bug_put(bug);
	return true;
}

bool
be_bug_find(BeBug *bug, const char *id)
{
	static BeStatement find = {
		.sql = "SELECT title, status, creator_id, assignee_id FROM bugevents.bugs WHERE id = $1"
	};

	if (be_statement_with(&find, be_text_value(id)) == 0)
	{
		be_statement_done();
		return find_current(bug, id);
	}
	*bug = (BeBug) {
		.id = id,
		.title = be_statement_text(0, 1),
		.status = be_statement_text(0, 2),
		.creator = be_statement_text(0, 3),
		.assignee = be_statement_text(0, 4),
	};
	be_statement_done();
	return true;
}

void
be_bug_put(const BeBug *bug)
{
	static BeStatement put = {
		.sql = "INSERT INTO bugevents.bugs (id, title, status, creator_id, assignee_id) VALUES ($1, $2, $3, $4, $5)"
		" ON CONFLICT (id) DO UPDATE SET title = excluded.title, status = excluded.status,"
		" creator_id = excluded.creator_id, assignee_id = excluded.assignee_id"
	};

	be_statement_with(&put, be_text_value(bug->id), be_text_value(bug->title), be_text_value(bug->status),
					  be_text_value(bug->creator), be_text_value(bug->assignee));
}

void
be_bug_delete(const char *id)
{
	static BeStatement bugs = {.sql = "DELETE FROM bugevents.bugs WHERE id = $1"};
	static BeStatement watchers = {.sql = "DELETE FROM bugevents.watchers WHERE bug_report_id = $1"};
	static BeStatement notifications = {.sql = "DELETE FROM bugevents.notifications WHERE bug_report_id = $1"};
	static BeStatement reminders = {.sql = "DELETE FROM bugevents.reminders WHERE bug_report_id = $1"};

	be_statement_with(&bugs, be_text_value(id));
	be_statement_with(&watchers, be_text_value(id));
	be_statement_with(&notifications, be_text_value(id));
	be_statement_with(&reminders, be_text_value(id));
}

void
be_bug_delete_all(void)
{
	static BeStatement bugs = {.sql = "DELETE FROM bugevents.bugs"};
	static BeStatement watchers = {.sql = "DELETE FROM bugevents.watchers"};
	static BeStatement notifications = {.sql = "DELETE FROM bugevents.notifications WHERE bug_report_id IS NOT NULL"};
	static BeStatement reminders = {.sql = "DELETE FROM bugevents.reminders"};

	be_statement_run(&bugs, 0, NULL);
	be_statement_run(&watchers, 0, NULL);
	be_statement_run(&notifications, 0, NULL);
	be_statement_run(&reminders, 0, NULL);
}
