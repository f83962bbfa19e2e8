/*
 * watcher.c - who watches which bug, as of the cursor.
 */
#include "notify/projector/watcher.h"

#include "server/base/statement.h"

void
be_watcher_add(const char *bug, const char *user)
{
	static BeStatement add = {
		.sql = "INSERT INTO bugevents.watchers (bug_report_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING"
	};

	be_statement_with(&add, be_text_value(bug), be_text_value(user));
}

void
be_watcher_remove(const char *bug, const char *user)
{
	static BeStatement remove = {
		.sql = "DELETE FROM bugevents.watchers WHERE bug_report_id = $1 AND user_id = $2"
	};

	be_statement_with(&remove, be_text_value(bug), be_text_value(user));
}

List *
be_watcher_list(const char *bug)
{
	static BeStatement list = {
		.sql = "SELECT user_id FROM bugevents.watchers WHERE bug_report_id = $1 ORDER BY user_id COLLATE \"C\""
	};
	uint64		n = be_statement_with(&list, be_text_value(bug));
	List	   *users = NIL;

	for (uint64 i = 0; i < n; i++)
		users = lappend(users, be_statement_text(i, 1));
	be_statement_done();
	return users;
}
