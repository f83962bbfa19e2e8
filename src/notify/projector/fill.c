/*
 * fill.c - filling statistics from the tables.
 *
 * Model: what is in a table before it is attached makes no event, so its rows are read, page by
 * page in the order of their keys, and given to statistics.c as if they had just changed.  That one
 * takes facts that are newer than the events behind which the projector is, or the same again; so
 * rows may change meanwhile, and nobody waits.  How far it has come commits with each page.
 *
 *	for each of project, user, bug_report, comment, whose tables aren't those that were read, or
 *	which bugevents.rebuild() wants:
 *		begin a generation, read all rows, which get it, then forget what is of an older one:
 *		facts of rows that are gone, whose events were missed
 *	when all are done, count everything once (bugevents.count_all)
 *
 * A million new rows would be a million events; so none are published, and at its end "reload" tells
 * clients to read statistics again.
 *
 * Concurrency: the projector does it between batches.
 *
 * Failure: a table that is locked, or whose expressions are suspended, is tried again later.
 *
 * What an operator asks
 *	How far is it?		bugevents.fill_progress.
 */
#include "notify/projector/fill.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "notify/projector/change.h"
#include "notify/projector/statistics.h"
#include "server/attach/attached.h"
#include "server/attach/attached_table.h"
#include "server/attach/entity.h"
#include "server/base/clock.h"
#include "server/base/settings.h"
#include "server/base/transaction.h"
#include "server/capture/notice.h"
#include "server/capture/pause.h"
#include "server/responder/row_fetch.h"
#include "utils/inval.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#define SWEPT_ROWS    1000
#define RETRY_SECONDS 10
#define LOOK_INTERVAL 1000 /* ms, while there is something else to do */

/* A row of bugevents.fills. */
typedef struct Fill
{
	const char *entity;
	const char *tables; /* as text of oid[] */
	const char *place;  /* NULL: before the first row; SWEEP: behind the last one */
	bool wanted;
	bool running;
} Fill;

#define SWEEP "."

static const char *const entities[] = {"project", "user", "bug_report", "comment"};
static bool may_have_changed = true; /* what is attached */
static char *attached[lengthof(entities)];

/* ---- what is attached ---- */

static void
invalidate(Datum arg pg_attribute_unused(), Oid relid pg_attribute_unused())
{
	may_have_changed = true;
}

static char *
list_tables(const char *entity)
{
	StringInfoData list;
	ListCell *cell;

	initStringInfo(&list);
	appendStringInfoChar(&list, '{');
	foreach (cell, bev_attached_table_list(bev_entity_find(entity)))
		appendStringInfo(&list, "%s%u", list.len > 1 ? "," : "",
		                 ((BevAttachedTable *) lfirst(cell))->relid);
	appendStringInfoChar(&list, '}');
	return list.data;
}

static void
look_at_attached(void)
{
	static bool registered = false;

	if (!registered)
		CacheRegisterRelcacheCallback(invalidate, (Datum) 0);
	registered = true;
	if (!may_have_changed)
		return;
	may_have_changed = false; /* unless something changes meanwhile */
	for (size_t i = 0; i < lengthof(entities); i++)
	{
		char *list = list_tables(entities[i]);

		if (attached[i])
			pfree(attached[i]);
		attached[i] = MemoryContextStrdup(TopMemoryContext, list);
	}
}

/* ---- what is to be done ---- */

/* All of them, in their order. */
static void
read_fills(Fill *fills)
{
	static BevStatement statement = {.sql =
	                                     "SELECT f.entity, f.tables, f.place, f.wanted,"
	                                     " f.started_at IS NOT NULL AND f.ended_at IS NULL"
	                                     " FROM bugevents.fills AS f ORDER BY array_position("
	                                     "'{project,user,bug_report,comment}'::text[], f.entity)"};

	if (bev_statement_run(&statement, 0, NULL) != lengthof(entities))
		elog(ERROR, "bugevents.fills lacks a row");
	for (size_t i = 0; i < lengthof(entities); i++)
		fills[i] = (Fill){
			.entity = entities[i],
			.tables = bev_statement_text(i, 2),
			.place = bev_statement_text(i, 3),
			.wanted = strcmp(bev_statement_text(i, 4), "t") == 0,
			.running = strcmp(bev_statement_text(i, 5), "t") == 0,
		};
	bev_statement_done();
}

static bool
is_to_begin(const Fill *fill, int i)
{
	return fill->wanted || strcmp(fill->tables, attached[i]) != 0;
}

/* The first that is to be done; false: none is. */
static bool
find_work(Fill *fill, int *i)
{
	Fill fills[lengthof(entities)];

	read_fills(fills);
	for (*i = 0; *i < (int) lengthof(entities); ++*i)
	{
		*fill = fills[*i];
		if (fill->running || is_to_begin(fill, *i))
			return true;
	}
	return false;
}

static void
begin(Fill *fill, int i)
{
	static BevStatement statement = {
		.sql = "UPDATE bugevents.fills SET generation = generation + 1, tables = $2::text::oid[],"
			   " wanted = false, place = NULL, rows = 0, started_at = clock_timestamp(),"
			   " ended_at = NULL WHERE entity = $1"};

	bev_statement_with(&statement, bev_text_value(fill->entity), bev_text_value(attached[i]));
	fill->place = NULL;
}

static void
save_place(const Fill *fill, const char *place, int rows)
{
	static BevStatement statement = {
		.sql = "UPDATE bugevents.fills SET place = $2, rows = rows + $3 WHERE entity = $1"};

	bev_statement_with(&statement, bev_text_value(fill->entity), bev_text_value(place),
	                   bev_int_value(rows));
}

/* ---- reading rows ---- */

static char *
write_request(const Fill *fill)
{
	StringInfoData request;

	initStringInfo(&request);
	appendStringInfo(&request, "{\"type\":\"%s\"", fill->entity);
	if (fill->place)
	{
		appendStringInfoString(&request, ",\"after\":");
		escape_json(&request, fill->place);
	}
	appendStringInfoChar(&request, '}');
	return request.data;
}

/* Returns where the rows end. */
static const char *
put_rows(const BevAnswer *answer)
{
	const char *record = answer->rest.data;
	Size size = answer->rest.len;
	BevEvent event;

	for (uint32 i = 0; i < answer->message.count; i++)
	{
		BevChange change;

		if (!bev_event_read(record, size, &event))
			elog(ERROR, "a record is damaged");
		bev_change_read(&change, 0, 0, &event);
		bev_statistics_put(&change);
		record += event.size;
		size -= event.size;
	}
	return record;
}

static void
read_page(const Fill *fill)
{
	BevAnswer answer = {.message = {0}};
	const char *end;

	initStringInfo(&answer.rest);
	if (strcmp(fill->tables, "{}") != 0)
		bev_row_fetch_state(NULL, write_request(fill), &answer);
	if (answer.message.kind != BEV_ANSWER_ROWS)
	{
		save_place(fill, SWEEP, 0);
		return;
	}
	end = put_rows(&answer);
	bev_statistics_finish();
	save_place(fill, *end == '+' ? pstrdup(end + 1) : SWEEP, answer.message.count);
}

/* ---- what is gone ---- */

static const char *
sweeping_sql(const char *entity)
{
	return strcmp(entity, "project") == 0 ? "SELECT project_id FROM bugevents.project_stats" :
	       strcmp(entity, "user") == 0    ? "SELECT user_id FROM bugevents.user_stats" :
	       strcmp(entity, "comment") == 0 ? "SELECT id FROM bugevents.comment_facts" :
	                                        "SELECT bug_report_id FROM bugevents.bug_stats";
}

/* Some of what wasn't seen in this generation; false: there is nothing more. */
static bool
sweep(const Fill *fill)
{
	char *sql = psprintf("%s WHERE generation < bugevents.generation('%s') LIMIT %d",
	                     sweeping_sql(fill->entity), fill->entity, SWEPT_ROWS);
	List *ids;
	ListCell *cell;

	if (SPI_execute(sql, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not execute \"%s\"", sql);
	ids = bev_statement_texts(SPI_processed);
	foreach (cell, ids)
		bev_statistics_put_gone(fill->entity, lfirst(cell));
	bev_statistics_finish();
	return ids != NIL;
}

/* ---- its end ---- */

static void
tell_to_reload(void)
{
	static const char *const tables[] = {"project_stats", "user_stats", "bug_stats"};
	Oid schema = get_namespace_oid("bugevents", false);

	for (size_t i = 0; i < lengthof(tables); i++)
	{
		Relation rel = table_open(get_relname_relid(tables[i], schema), AccessShareLock);
		const char *argument = bev_attached_argument(rel);

		if (argument)
			bev_notice_log(bev_notice_name(RelationGetRelid(rel)),
			               bev_attachment_read(argument, RelationGetRelid(rel)), BEV_NOTICE_RELOAD);
		table_close(rel, NoLock);
	}
}

static void
end(const Fill *fill)
{
	static BevStatement statement = {
		.sql = "UPDATE bugevents.fills SET place = NULL, ended_at = clock_timestamp()"
			   " WHERE entity = $1"};
	static BevStatement count = {.sql = "SELECT bugevents.count_all()"};
	Fill next;
	int i;

	bev_statement_with(&statement, bev_text_value(fill->entity));
	if (find_work(&next, &i))
		return;
	bev_statement_run(&count, 0, NULL);
	bev_statement_done();
	tell_to_reload();
}

/* ---- in transactions ---- */

/* While they are off, numbers grow old: when they are on again, all is to be read. */
static void
forget(void)
{
	static BevStatement statement = {
		.sql = "UPDATE bugevents.fills SET tables = '{}', wanted = false, place = NULL,"
			   " started_at = NULL, ended_at = NULL WHERE started_at IS NOT NULL"};

	bev_statement_run(&statement, 0, NULL);
}

/* True: there is more. */
static bool
do_part(void)
{
	Fill fill;
	int i;

	if (!bev_statistics)
	{
		forget();
		return false;
	}
	look_at_attached();
	if (!find_work(&fill, &i))
		return false;
	bev_statistics_begin();
	if (is_to_begin(&fill, i))
		begin(&fill, i);
	else if (fill.place == NULL || strcmp(fill.place, SWEEP) != 0)
		read_page(&fill);
	else if (!sweep(&fill))
		end(&fill);
	return true;
}

void
bev_fill_want(void)
{
	static BevStatement statement = {.sql = "UPDATE bugevents.fills SET wanted = true"};

	bev_statement_run(&statement, 0, NULL);
}

bool
bev_fill_run(bool idle)
{
	MemoryContext caller = CurrentMemoryContext;
	static TimestampTz look_at = 0;
	static TimestampTz not_before = 0;
	static volatile bool more = false;

	if (!bev_clock_has_come(not_before, RETRY_SECONDS * 1000) ||
	    (!bev_clock_every(&look_at, LOOK_INTERVAL) && !more && !idle))
		return false;
	more = false;
	PG_TRY();
	{
		bev_transaction_begin();
		bev_capture_pause(true);
		more = do_part();
		bev_capture_pause(false);
		bev_transaction_commit(caller);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		AbortCurrentTransaction();
		bev_capture_pause(false);
		may_have_changed = true;
		not_before = bev_clock_ahead(RETRY_SECONDS * 1000);
		ereport(LOG, (errmsg("bugevents fills statistics again in %d s: %s", RETRY_SECONDS,
		                     error->message)));
		FreeErrorData(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	return more;
}
