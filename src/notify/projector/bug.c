/*
 * bug.c - what the projector knows of bugs.
 *
 * Model: bugs are gathered and written by one statement for many (rows.c): at the end of a batch,
 * and before the table is looked into.
 */
#include "notify/projector/bug.h"

#include "notify/projector/rows.h"
#include "server/base/statement.h"

void
bev_bug_of_change(BevBug *bug, BevChange *change)
{
	*bug = (BevBug){
		.id = change->key,
		.title = bev_change_open_text(change, "title"),
		.status = bev_change_text(change, "status"),
		.creator = bev_change_text(change, "creator_id"),
		.assignee = bev_change_text(change, "assignee_id"),
		.project = bev_change_text(change, "project_id"),
	};
}

/* Of several of one bug the last one counts. */
static BevStatement put = {
	.sql = "INSERT INTO bugevents.bugs (id, title, status, creator_id, assignee_id, project_id)"
		   " SELECT DISTINCT ON (x.id) x.id, x.title, x.status, x.creator, x.assignee, x.project"
		   " FROM unnest($1, $2, $3, $4, $5, $6) WITH ORDINALITY"
		   " AS x (id, title, status, creator, assignee, project, n) ORDER BY x.id, x.n DESC"
		   " ON CONFLICT (id) DO UPDATE SET title = excluded.title, status = excluded.status,"
		   " creator_id = excluded.creator_id, assignee_id = excluded.assignee_id,"
		   " project_id = excluded.project_id"};
static BevRows rows = {.statement = &put, .columns = 6};

void
bev_bug_begin(void)
{
	bev_rows_clear(&rows);
}

void
bev_bug_put(const BevBug *bug)
{
	bev_rows_add(&rows, (BevValue[]){
							bev_text_value(bug->id),
							bev_text_value(bug->title),
							bev_text_value(bug->status),
							bev_text_value(bug->creator),
							bev_text_value(bug->assignee),
							bev_text_value(bug->project),
						});
}

void
bev_bug_write(void)
{
	bev_rows_write(&rows);
}

static bool
find_current(BevBug *bug, const char *id)
{
	BevChange change;

	if (!bev_change_current(&change, "bug_report", id))
		return false;
	bev_bug_of_change(bug, &change);
	bev_bug_put(bug);
	return true;
}

bool
bev_bug_find(BevBug *bug, const char *id)
{
	static BevStatement find = {
		.sql = "SELECT title, status, creator_id, assignee_id, project_id FROM bugevents.bugs"
			   " WHERE id = $1"};

	bev_bug_write();
	if (bev_statement_with(&find, bev_text_value(id)) == 0)
	{
		bev_statement_done();
		return find_current(bug, id);
	}
	*bug = (BevBug){
		.id = id,
		.title = bev_statement_text(0, 1),
		.status = bev_statement_text(0, 2),
		.creator = bev_statement_text(0, 3),
		.assignee = bev_statement_text(0, 4),
		.project = bev_statement_text(0, 5),
	};
	bev_statement_done();
	return true;
}

BevKept bev_bug_kept = {
	.entity = "bug_report",
	.hide = {.sql = "DELETE FROM bugevents.bugs WHERE id = $1"},
	.forget =
		{
			{.sql = "DELETE FROM bugevents.bugs WHERE id = $1"},
			{.sql = "DELETE FROM bugevents.watchers WHERE bug_report_id = $1"},
			{.sql = "DELETE FROM bugevents.muted WHERE bug_report_id = $1"},
			{.sql = "DELETE FROM bugevents.notifications WHERE bug_report_id = $1"},
			{.sql = "DELETE FROM bugevents.reminders WHERE bug_report_id = $1"},
		},
	.forget_all =
		{
			{.sql = "DELETE FROM bugevents.bugs"},
			{.sql = "DELETE FROM bugevents.watchers"},
			{.sql = "DELETE FROM bugevents.muted"},
			{.sql = "DELETE FROM bugevents.notifications WHERE bug_report_id IS NOT NULL"},
			{.sql = "DELETE FROM bugevents.reminders"},
		},
	.rename =
		{
			{.sql = "DELETE FROM bugevents.bugs WHERE id IN ($1, $2)"},
			{.sql = "INSERT INTO bugevents.watchers SELECT $2, user_id FROM bugevents.watchers"
                    " WHERE bug_report_id = $1 ON CONFLICT DO NOTHING"},
			{.sql = "DELETE FROM bugevents.watchers WHERE bug_report_id = $1"},
			{.sql = "INSERT INTO bugevents.muted SELECT $2, user_id FROM bugevents.muted"
                    " WHERE bug_report_id = $1 ON CONFLICT DO NOTHING"},
			{.sql = "DELETE FROM bugevents.muted WHERE bug_report_id = $1"},
			{.sql =
                 "UPDATE bugevents.notifications SET bug_report_id = $2 WHERE bug_report_id = $1"},
			{.sql = "UPDATE bugevents.reminders SET bug_report_id = $2 WHERE bug_report_id = $1"},
		},
	.ids =
		{.sql =
             "SELECT id FROM bugevents.bugs UNION SELECT bug_report_id FROM bugevents.watchers"
             " UNION SELECT bug_report_id FROM bugevents.muted"
             " UNION SELECT bug_report_id FROM bugevents.reminders UNION"
             " SELECT bug_report_id FROM bugevents.notifications WHERE bug_report_id IS NOT NULL"},
};
