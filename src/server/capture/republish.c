/*
 * republish.c - bugevents.replay(): the rows of an attached table as they are now, told again.
 *
 * Model: each row that the attachment lets through is an event "created" with the mark replay, in
 * the caller's transaction.  The mark says that nothing happened: nothing is derived from it,
 * nobody is notified, and nobody's rights change (test/t/402_projector.pl).
 *
 * Concurrency: rows are locked as FOR SHARE does, until the transaction ends: so whoever changes
 * one meanwhile comes later in the stream, with what he made of it (test/specs/replay.spec).  So it
 * is for what expressions look up, by the lock that every commit takes that looks something up.
 *
 * Memory: rows are looked for a thousand at a time, and each is encoded in a context that is reset;
 * the events are spilled like those of any large transaction.
 *
 * Rights: the table's owner's.  The condition is the caller's, and is evaluated as the caller.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "server/attach/attached.h"
#include "server/attach/expression.h"
#include "server/attach/field_sql.h"
#include "server/attach/mapping.h"
#include "server/base/argument.h"
#include "server/base/compat.h"
#include "server/base/settings.h"
#include "server/capture/dependents.h"
#include "server/capture/record.h"
#include "server/capture/row_event.h"
#include "server/changes/change_log.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#define PIECE 1000 /* rows */

BEV_FUNCTION_INFO_V1(bugevents_replay);

typedef struct Replay
{
	MemoryContext row; /* reset for each */
	Relation rel;      /* that the last row was in; NULL: none yet */
	TupleTableSlot *slot;
	BevMapping *mapping;
	int64 published;
} Replay;

/* ---- a row ---- */

static void
close_relation(Replay *replay)
{
	if (replay->rel == NULL)
		return;
	ExecDropSingleTupleTableSlot(replay->slot);
	table_close(replay->rel, NoLock);
	replay->rel = NULL;
}

/* The table itself, or a partition of it. */
static void
open_relation(Replay *replay, Oid relid)
{
	if (replay->rel && RelationGetRelid(replay->rel) == relid)
		return;
	close_relation(replay);
	replay->rel = table_open(relid, AccessShareLock);
	replay->slot = table_slot_create(replay->rel, NULL);
	replay->mapping = bev_mapping_get(replay->rel, bev_attached_trigger(replay->rel));
}

/* The slot has the row. */
static void
publish_row(Replay *replay)
{
	BevRow row;
	BevRowEvent event;

	bev_rows_read(replay->mapping, replay->rel, &replay->slot, NULL, &row, 1);
	if (!row.wanted)
		return;
	bev_row_event_begin(&event, replay->mapping, &row, NULL, NULL);
	event.record.replayed = true;
	event.record.action = "created";
	event.record.audience = bev_row_event_audience(&event, event.record.action);
	bev_record_publish(&event.record);
	replay->published++;
}

/* It is locked, so this version is the last one, whatever the snapshot. */
static void
replay_row(Replay *replay, Oid relid, ItemPointer tid)
{
	MemoryContext old;

	open_relation(replay, relid);
	if (!table_tuple_fetch_row_version(replay->rel, tid, SnapshotAny, replay->slot))
		elog(ERROR, "could not find a row that is locked");
	old = MemoryContextSwitchTo(replay->row);
	publish_row(replay);
	MemoryContextSwitchTo(old);
	ExecClearTuple(replay->slot);
	MemoryContextReset(replay->row);
}

/* ---- all of them ---- */

/* Those that SPI has found. */
static void
replay_piece(Replay *replay)
{
	PushActiveSnapshot(GetLatestSnapshot());
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple found = SPI_tuptable->vals[i];
		TupleDesc desc = SPI_tuptable->tupdesc;
		bool isnull;

		CHECK_FOR_INTERRUPTS();
		replay_row(replay, DatumGetObjectId(SPI_getbinval(found, desc, 1, &isnull)),
		           (ItemPointer) DatumGetPointer(SPI_getbinval(found, desc, 2, &isnull)));
	}
	PopActiveSnapshot();
	SPI_freetuptable(SPI_tuptable);
}

static void
replay_found(Replay *replay, const char *sql)
{
	Portal portal;
	bool more = true;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	replay->row =
		AllocSetContextCreate(CurrentMemoryContext, "bugevents replay", ALLOCSET_DEFAULT_SIZES);
	portal = SPI_cursor_open_with_args(NULL, sql, 0, NULL, NULL, NULL, false, 0);
	while (more)
	{
		SPI_cursor_fetch(portal, true, PIECE);
		more = SPI_processed > 0;
		replay_piece(replay);
	}
	SPI_cursor_close(portal);
	close_relation(replay);
	SPI_finish();
}

/* ---- the function ---- */

static void
check_attached(Oid relid)
{
	Relation rel = table_open(relid, AccessShareLock);

	if (bev_attached_argument(rel) == NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		                errmsg("table \"%s\" is not attached", RelationGetRelationName(rel)),
		                errhint("Attach it first.")));
	table_close(rel, NoLock);
}

/* Changes are published when the transaction commits, and rows as they are now would go ahead. */
static void
check_transaction(void)
{
	if (!bev_change_log_is_empty())
		ereport(ERROR, (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
		                errmsg("rows cannot be replayed behind changes of the same transaction"),
		                errhint("Call bugevents.replay() in a transaction of its own.")));
	if (!bev_record_is_wanted())
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		                errmsg("nothing is published while bugevents.enabled is off")));
}

Datum
bugevents_replay(PG_FUNCTION_ARGS)
{
	Replay replay = {.published = 0};
	const char *condition = "true";
	Oid relid;

	bev_settings_require_served();
	bev_argument_require(fcinfo, 0, "tbl");
	relid = PG_GETARG_OID(0);
	PreventCommandIfReadOnly("bugevents.replay()");
	bev_attached_check_owner(relid);
	check_attached(relid);
	check_transaction();
	if (!PG_ARGISNULL(1))
	{
		condition = text_to_cstring(PG_GETARG_TEXT_PP(1));
		bev_expression_check_syntax(condition);
	}
	bev_dependents_lock(list_make1_oid(relid), NIL);
	replay_found(&replay, psprintf("SELECT row.tableoid, row.ctid FROM %s WHERE (%s\n)"
	                               " FOR SHARE OF row",
	                               bev_field_from(relid), condition));
	PG_RETURN_INT64(replay.published);
}
