/*
 * watcher.c - who watches which bug, as of the cursor.
 */
#include "notify/projector/watcher.h"

#include "server/base/statement.h"

void
bev_watcher_add(const char *bug, const char *user)
{
	static BevStatement add = {
		.sql =
			"INSERT INTO bugevents.watchers (bug_report_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING"};

	bev_statement_with(&add, bev_text_value(bug), bev_text_value(user));
}

void
bev_watcher_remove(const char *bug, const char *user)
{
	static BevStatement remove = {
		.sql = "DELETE FROM bugevents.watchers WHERE bug_report_id = $1 AND user_id = $2"};

	bev_statement_with(&remove, bev_text_value(bug), bev_text_value(user));
}

List *
bev_watcher_list(const char *bug)
{
	static BevStatement list = {
		.sql =
			"SELECT user_id FROM bugevents.watchers WHERE bug_report_id = $1 ORDER BY user_id COLLATE \"C\""};
	uint64 n = bev_statement_with(&list, bev_text_value(bug));
	List *users = NIL;

	for (uint64 i = 0; i < n; i++)
		users = lappend(users, bev_statement_text(i, 1));
	bev_statement_done();
	return users;
}
