/*
 * statistics.c - what is counted of projects, users and bugs.
 *
 * Model: events say what each row is now, or that it is gone: facts, of which the last one of each
 * row counts.  The functions that write them (bugevents.put_bugs and its like) change the numbers
 * by the difference between a fact and the one before it, which the tables have.  So a fact may
 * come late or twice: from an event, from the table while it is filled (fill.c), again after a
 * crash; in the end the numbers are those of the rows (test/t/411_statistics.pl).
 *
 *	project_stats, user_stats	rows for those that there are, and numbers
 *	bug_stats					numbers, and the facts of each bug that others' numbers go by
 *	comment_facts				which bug and user each comment was counted for
 *
 * Watchers and unread notifications are counted again where an event is about them: they are in
 * tables of ours.
 *
 * Who may see them is who sees the row that they are of, by the events of that one.  How they get
 * to clients isn't known here: they are captured like rows of a kind of one's own.
 *
 * Cost: statements for a thousand rows each (rows.c).
 */
#include "notify/projector/statistics.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "notify/projector/rows.h"
#include "server/attach/entity.h"
#include "server/base/comma_list.h"
#include "server/base/settings.h"

#define DEFINE_ROWS(name, columns_, sql_) \
	static BevStatement name##_statement = {.sql = "SELECT " sql_}; \
	static BevRows name = {.statement = &name##_statement, .columns = columns_}

DEFINE_ROWS(projects, 3, "bugevents.put_projects($1, $2, $3)");
DEFINE_ROWS(users, 3, "bugevents.put_users($1, $2, $3)");
DEFINE_ROWS(bugs, 10, "bugevents.put_bugs($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
DEFINE_ROWS(comments, 5, "bugevents.put_comments($1, $2, $3, $4, $5)");
DEFINE_ROWS(again, 2, "bugevents.count_again($1, $2)");

static BevRows *const all[] = {&projects, &users, &bugs, &comments, &again};

void
bev_statistics_begin(void)
{
	for (size_t i = 0; i < lengthof(all); i++)
		bev_rows_clear(all[i]);
}

void
bev_statistics_finish(void)
{
	for (size_t i = 0; i < lengthof(all); i++)
		bev_rows_write(all[i]);
}

/* ---- facts ---- */

/* Null: not known. */
static BevValue
moment_of(const BevChange *change)
{
	BevValue at = bev_time_value(change->at);

	at.isnull = change->at == 0;
	return at;
}

/* Who may see the row now, whoever an event of it is for: without what narrows that. */
static BevValue
audience_of(const BevChange *change)
{
	BevSpan rest = change->audience;
	StringInfoData lines;
	BevSpan line;

	initStringInfo(&lines);
	while (bev_audience_next(&rest, &line))
		if (line.len > 0 && *line.data != BEV_AUDIENCE_EXCEPT && *line.data != BEV_AUDIENCE_ONLY)
		{
			appendStringInfoString(&lines, lines.len > 0 ? "\n" : "");
			appendBinaryStringInfo(&lines, line.data, (int) line.len);
		}
	return bev_text_value(pg_any_to_server(lines.data, lines.len, PG_UTF8));
}

static bool
is_open(const char *status)
{
	char *rest = pstrdup(bev_closed_statuses);
	char *closed;

	while (status && (closed = bev_comma_list_next(&rest)) != NULL)
		if (strcmp(status, closed) == 0)
			return false;
	return true;
}

static void
put_member(BevRows *rows, BevChange *change)
{
	bev_rows_add(rows, (BevValue[]){
						   bev_text_value(change->key),
						   bev_bool_value(false),
						   audience_of(change),
					   });
}

static void
put_bug(BevChange *change)
{
	char *status = bev_change_text(change, "status");

	bev_rows_add(&bugs, (BevValue[]){
							bev_text_value(change->key),
							bev_bool_value(false),
							bev_text_value(bev_change_text(change, "project_id")),
							bev_text_value(status),
							bev_text_value(bev_change_open_text(change, "priority")),
							bev_text_value(bev_change_text(change, "creator_id")),
							bev_text_value(bev_change_text(change, "assignee_id")),
							bev_bool_value(is_open(status)),
							moment_of(change),
							audience_of(change),
						});
}

static void
put_comment(BevChange *change)
{
	bev_rows_add(&comments, (BevValue[]){
								bev_text_value(change->key),
								bev_bool_value(false),
								bev_text_value(*change->bug ? change->bug : NULL),
								bev_text_value(bev_change_text(change, "user_id")),
								moment_of(change),
							});
}

static void
put_gone(BevRows *rows, const char *id, BevValue at)
{
	BevValue none = bev_text_value(NULL);
	BevValue values[10] = {bev_text_value(id), bev_bool_value(true), none, none, none, none, none};

	if (rows == &comments)
		values[4] = at;
	if (rows == &bugs)
	{
		values[7] = bev_bool_value(false);
		values[8] = at;
		values[9] = none;
	}
	bev_rows_add(rows, values);
}

static void
count_again(const char *user, const char *bug)
{
	bev_rows_add(&again, (BevValue[]){bev_text_value(user), bev_text_value(bug)});
}

/* ---- what is counted of which entity ---- */

typedef struct Counted
{
	const char *entity;
	BevRows *rows;
	BevStatement empty; /* there are none any more */
} Counted;

static Counted counted[] = {
	{"project", &projects, {.sql = "TRUNCATE bugevents.project_stats"}},
	{"user", &users, {.sql = "TRUNCATE bugevents.user_stats"}},
	{"bug_report", &bugs, {.sql = "SELECT bugevents.empty_bugs()"}},
	{"comment", &comments, {.sql = "SELECT bugevents.empty_comments()"}},
};

static Counted *
find_counted(const char *entity)
{
	for (size_t i = 0; i < lengthof(counted); i++)
		if (strcmp(counted[i].entity, entity) == 0)
			return &counted[i];
	return NULL;
}

void
bev_statistics_put(BevChange *change)
{
	Counted *what = find_counted(change->type);

	if (what->rows == &bugs)
		put_bug(change);
	else if (what->rows == &comments)
		put_comment(change);
	else
		put_member(what->rows, change);
}

void
bev_statistics_put_gone(const char *entity, const char *id)
{
	BevValue unknown = bev_time_value(0);

	unknown.isnull = true;
	put_gone(find_counted(entity)->rows, id, unknown);
}

/* ---- events ---- */

/* As it is now, since the event doesn't say who may see it then. */
static void
put_current(const Counted *what, BevChange *change)
{
	BevChange current;

	if (!bev_change_current(&current, change->type, change->key))
	{
		put_gone(what->rows, change->key, moment_of(change));
		return;
	}
	current.at = change->at;
	bev_statistics_put(&current);
}

/* Those of other tables are found by filling. */
static void
empty(Counted *what, BevChange *change)
{
	static BevStatement fill = {.sql =
	                                "UPDATE bugevents.fills SET wanted = true WHERE entity = $1"};

	bev_statistics_finish();
	if (bev_change_leaves_others(change))
		bev_statement_with(&fill, bev_text_value(what->entity));
	else
		bev_statement_run(&what->empty, 0, NULL);
	if (SPI_tuptable)
		bev_statement_done();
	count_again(NULL, NULL);
}

static bool
apply_row(Counted *what, BevChange *change)
{
	const char *action = change->action;

	if (strcmp(action, "truncated") == 0)
		empty(what, change);
	else if (strcmp(action, "deleted") == 0)
		put_gone(what->rows, change->key, moment_of(change));
	else if (strcmp(action, "moved_out") == 0 ||
	         (what->rows == &users && strcmp(action, "created") == 0))
		put_current(what, change);
	else if (strcmp(action, "created") == 0 || strcmp(action, "updated") == 0)
		bev_statistics_put(change);
	else
		return false; /* said by one of these, too */
	if (what->rows == &comments)
		count_again(NULL, change->bug);
	else if (what->rows == &users)
		count_again(NULL, NULL); /* who is gone watches nothing */
	return true;
}

bool
bev_statistics_apply(BevChange *change)
{
	Counted *what = find_counted(change->type);

	if (!bev_statistics)
		return false;
	if (what)
		return apply_row(what, change);
	if (strcmp(change->type, "notification") == 0)
		count_again(bev_change_text(change, "user_id"), NULL);
	else if (strcmp(change->type, "watch") == 0)
		count_again(NULL, change->bug);
	else
		return false;
	return true;
}
