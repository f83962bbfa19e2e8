/*
 * watcher.c - who watches which bug, or all bugs of which project, and who wants to hear nothing of
 * one, as of the cursor.
 */
#include "notify/projector/watcher.h"

#include "server/base/statement.h"

/* The statements about one of the tables: $1 is the bug or the project, $2 the user. */
typedef struct Wishes
{
	BevStatement add;
	BevStatement remove;
	BevStatement list;
} Wishes;

#define WISHES(table, key) \
	{ \
		.add = {.sql = "INSERT INTO bugevents." table " (" key ", user_id) VALUES ($1, $2)" \
		               " ON CONFLICT DO NOTHING"}, \
		.remove = {.sql = "DELETE FROM bugevents." table " WHERE " key " = $1 AND user_id = $2"}, \
		.list = { \
			.sql = "SELECT user_id FROM bugevents." table " WHERE " key \
				   " = $1 ORDER BY user_id COLLATE \"C\"" \
		} \
	}

static Wishes bugs = WISHES("watchers", "bug_report_id");
static Wishes projects = WISHES("project_watchers", "project_id");
static Wishes muted = WISHES("muted", "bug_report_id");

static List *
list(Wishes *wishes, const char *id)
{
	return bev_statement_texts(bev_statement_with(&wishes->list, bev_text_value(id)));
}

void
bev_watcher_add(const char *bug, const char *user)
{
	bev_statement_with(&bugs.add, bev_text_value(bug), bev_text_value(user));
}

void
bev_watcher_remove(const char *bug, const char *user)
{
	bev_statement_with(&bugs.remove, bev_text_value(bug), bev_text_value(user));
}

List *
bev_watcher_list(const char *bug)
{
	return list(&bugs, bug);
}

void
bev_watcher_add_to_project(const char *project, const char *user)
{
	bev_statement_with(&projects.add, bev_text_value(project), bev_text_value(user));
}

void
bev_watcher_remove_from_project(const char *project, const char *user)
{
	bev_statement_with(&projects.remove, bev_text_value(project), bev_text_value(user));
}

List *
bev_watcher_list_of_project(const char *project)
{
	return project ? list(&projects, project) : NIL;
}

void
bev_watcher_mute(const char *bug, const char *user)
{
	bev_statement_with(&muted.add, bev_text_value(bug), bev_text_value(user));
}

void
bev_watcher_unmute(const char *bug, const char *user)
{
	bev_statement_with(&muted.remove, bev_text_value(bug), bev_text_value(user));
}

List *
bev_watcher_list_muted(const char *bug)
{
	return list(&muted, bug);
}
