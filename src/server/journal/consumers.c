/*
 * consumers.c - bugevents.consume(): the events behind a named position, which moves with the
 * caller's transaction.
 *
 * Model: a consumer is a row of bugevents.consumer_positions.  Whoever reads locks the row, reads
 * what is settled behind it, as events() does, and moves it.  So what a consumer writes and how far
 * it has come commit together, or neither (sql/consume.sql).
 *
 * Concurrency: of two sessions that consume by one name the second waits for the first one's end,
 * and goes on behind it: each event comes once, in order (test/specs/consumers.spec).  One of
 * another name doesn't wait.  While nothing is new, nothing is locked nor written, so polling is
 * cheap.
 *
 * Failure: where retention has dropped what a consumer hadn't read, the next call throws, until
 * somebody says where to go on: nothing is passed over in silence (test/t/202_retention.pl).
 *
 * Cost: reading each event, a lock and an update of one row for each call that finds any.  Events
 * of other types are passed over without a write, but for MOVE_EVERY of them.
 *
 * What an operator asks
 *	Is one behind?			bugevents.consumers, bugevents_consumer_lag_seq.
 *	What does it hold up?	The journal, for bugevents.consumer_retention at most (retention.c).
 */
#include "server/journal/consumers.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "server/base/argument.h"
#include "server/base/compat.h"
#include "server/base/settings.h"
#include "server/base/statement.h"
#include "server/base/table_lock.h"
#include "server/journal/event_rows.h"
#include "server/journal/journal_reader.h"
#include "server/journal/stream_row.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#define MOVE_EVERY 10000 /* seqs that were passed over */

/* The columns of bugevents.consumer_positions. */
#define POSITION_SEQ 2

BEV_FUNCTION_INFO_V1(bugevents_consume);

/* ---- all of them, without SQL ---- */

static void
read_all(Relation table, int *count, uint64 *slowest)
{
	SysScanDesc scan = systable_beginscan(table, InvalidOid, false, GetActiveSnapshot(), 0, NULL);
	HeapTuple tuple;

	while ((tuple = systable_getnext(scan)) != NULL)
	{
		bool isnull;
		Datum seq = heap_getattr(tuple, POSITION_SEQ, RelationGetDescr(table), &isnull);

		*slowest = Min(*slowest, (uint64) DatumGetInt64(seq));
		(*count)++;
	}
	systable_endscan(scan);
}

bool
bev_consumers_look(int *count, uint64 *slowest)
{
	Oid schema = get_namespace_oid("bugevents", true);
	Oid oid = OidIsValid(schema) ? get_relname_relid("consumer_positions", schema) : InvalidOid;
	Relation table;

	*count = 0;
	*slowest = PG_UINT64_MAX;
	if (!bev_table_lock_try(oid))
		return false;
	table = OidIsValid(oid) ? try_table_open(oid, NoLock) : NULL;
	if (table == NULL)
		return true;
	read_all(table, count, slowest);
	table_close(table, NoLock);
	return true;
}

/* ---- one of them ---- */

/* False: there is none of that name. */
static bool
read_position(BevStatement *statement, const char *name, uint64 *seq)
{
	bool found = bev_statement_with(statement, bev_text_value(name)) > 0;
	bool isnull;

	if (found)
		*seq =
			DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	bev_statement_done();
	return found;
}

/* What retention has dropped, as it is now. */
static uint64
dropped(void)
{
	BevStreamRow row = {.dropped = 0};

	PushActiveSnapshot(GetLatestSnapshot());
	(void) bev_stream_row_read(&row);
	PopActiveSnapshot();
	return row.dropped;
}

/* A consumer that isn't there begins with the oldest event. */
static uint64
lock_position(const char *name)
{
	static BevStatement lock = {
		.sql = "SELECT seq FROM bugevents.consumer_positions WHERE name = $1 FOR NO KEY UPDATE"};
	static BevStatement make = {.sql = "INSERT INTO bugevents.consumer_positions (name, seq)"
	                                   " VALUES ($1, $2) ON CONFLICT (name) DO NOTHING"};
	uint64 seq;

	while (!read_position(&lock, name, &seq))
		(void) bev_statement_with(&make, bev_text_value(name), bev_int_value(dropped()));
	return seq;
}

/* Without a lock: where there is nothing, there is nothing to wait for. */
static bool
is_at_the_end(const char *name)
{
	static BevStatement look = {.sql =
	                                "SELECT seq FROM bugevents.consumer_positions WHERE name = $1"};
	uint64 seq;

	return read_position(&look, name, &seq) && seq >= bev_journal_horizon();
}

static void
move(const char *name, uint64 seq)
{
	static BevStatement statement = {.sql = "UPDATE bugevents.consumer_positions"
	                                        " SET seq = $2, moved_at = now() WHERE name = $1"};

	(void) bev_statement_with(&statement, bev_text_value(name), bev_int_value(seq));
}

static void
check_complete(const char *name, uint64 seq)
{
	uint64 lost = dropped();

	if (seq < lost)
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		     errmsg("consumer \"%s\" has missed events", name),
		     errdetail("It has read up to seq " UINT64_FORMAT ", and those up to seq " UINT64_FORMAT
		               " were dropped.",
		               seq, lost),
		     errhint(
				 "Let it go on with SELECT bugevents.set_consumer(%s), then read the tables anew.",
				 quote_literal_cstr(name))));
}

static void
consume(const char *name, BevEventRows *rows)
{
	uint64 seq = lock_position(name);
	uint64 end = bev_journal_read_settled(seq, PG_INT64_MAX, bev_event_rows_put, rows);

	check_complete(name, seq);
	if (rows->left == 0)
		end = rows->last;
	if (end > seq && (rows->count > 0 || end - seq >= MOVE_EVERY))
		move(name, end);
}

/* ---- the function ---- */

static char *
read_name(FunctionCallInfo fcinfo)
{
	char *name;

	bev_argument_require(fcinfo, 0, "name");
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	if (*name == '\0' || strlen(name) > 255)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		                errmsg("invalid name of a consumer \"%s\"", name),
		                errdetail("A name has 1 to 255 bytes.")));
	return name;
}

static List *
read_types(FunctionCallInfo fcinfo)
{
	List *types = NIL;
	Datum *elements;
	bool *nulls;
	int n;

	if (PG_ARGISNULL(2))
		return NIL;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls,
	                  &n);
	for (int i = 0; i < n; i++)
	{
		char *type;

		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			                errmsg("argument \"%s\" must not contain nulls", "types")));
		type = TextDatumGetCString(elements[i]);
		types = lappend(types, pg_server_to_any(type, strlen(type), PG_UTF8));
	}
	if (types == NIL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		                errmsg("argument \"%s\" must not be empty", "types"),
		                errhint("Leave it out for events of all types.")));
	return types;
}

Datum
bugevents_consume(PG_FUNCTION_ARGS)
{
	char *name = read_name(fcinfo);
	BevEventRows rows;

	bev_settings_require_served();
	bev_argument_require(fcinfo, 1, "max");
	bev_event_rows_begin(&rows, fcinfo, PG_GETARG_INT32(1));
	rows.types = read_types(fcinfo);
	PreventCommandIfReadOnly("bugevents.consume()");
	if (rows.left == 0)
		return (Datum) 0;
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (!is_at_the_end(name))
		consume(name, &rows);
	SPI_finish();
	bev_event_rows_end(&rows);
	return (Datum) 0;
}
