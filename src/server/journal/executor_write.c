/*
 * executor_write.c - writing a table of the journal as INSERT and DELETE would.
 *
 * Why: tools keep copies of a table by triggers (pg_repack), and build indexes beside the one
 * in use (REINDEX CONCURRENTLY).  What bypasses the executor is missing in them afterwards.
 *
 * Model: as logical replication applies a row: no statement, no plan, but the executor's way
 * into the table, with its indexes, constraints and triggers for each row.
 *
 * Rights: it isn't the writer who writes to the journal, so the triggers run with the rights of
 * the table's owner, who let them be there, and with a search_path that nobody else chose.
 */
#include "server/journal/executor_write.h"

#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "server/base/compat.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

typedef struct Writing
{
	EState *estate;
	ResultRelInfo *target;
	Oid user;
	int context;
	int settings;
} Writing;

static bool is_writing = false;

bool
bev_executor_is_writing(void)
{
	return is_writing;
}

static void
become_owner(Writing *writing, Relation table)
{
	GetUserIdAndSecContext(&writing->user, &writing->context);
	SetUserIdAndSecContext(table->rd_rel->relowner,
	                       writing->context | SECURITY_LOCAL_USERID_CHANGE);
	writing->settings = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
	                         GUC_ACTION_SAVE, true, 0, false);
}

static void
begin_writing(Writing *writing, Relation table)
{
	PushActiveSnapshot(GetTransactionSnapshot());
	become_owner(writing, table);
	writing->estate = CreateExecutorState();
	writing->estate->es_output_cid = GetCurrentCommandId(true);
	writing->estate->es_snapshot = GetActiveSnapshot();
	writing->target = makeNode(ResultRelInfo);
	InitResultRelInfo(writing->target, table, 0, NULL, 0);
	writing->estate->es_opened_result_relations = list_make1(writing->target);
	ExecOpenIndices(writing->target, false);
	AfterTriggerBeginQuery();
}

static void
end_writing(Writing *writing)
{
	AfterTriggerEndQuery(writing->estate);
	ExecCloseResultRelations(writing->estate);
	ExecResetTupleTable(writing->estate->es_tupleTable, false);
	FreeExecutorState(writing->estate);
	pfree(writing->target);
	AtEOXact_GUC(false, writing->settings);
	SetUserIdAndSecContext(writing->user, writing->context);
	PopActiveSnapshot();
}

/* Insert the slot's row, or delete the one of its TID. */
static void
write_row(Writing *writing, TupleTableSlot *slot, EPQState *epq)
{
	is_writing = true;
	PG_TRY();
	{
		if (epq)
			ExecSimpleRelationDelete(writing->target, writing->estate, epq, slot);
		else
			ExecSimpleRelationInsert(writing->target, writing->estate, slot);
	}
	PG_FINALLY();
	{
		is_writing = false;
	}
	PG_END_TRY();
}

void
bev_executor_insert(Relation table, int n, const Datum *values, const bool *nulls)
{
	Writing writing;
	TupleTableSlot *slot;

	begin_writing(&writing, table);
	slot = ExecInitExtraTupleSlot(writing.estate, RelationGetDescr(table), &TTSOpsVirtual);
	ExecStoreAllNullTuple(slot);
	memcpy(slot->tts_values, values, n * sizeof(Datum));
	memcpy(slot->tts_isnull, nulls, n * sizeof(bool));
	write_row(&writing, slot, NULL);
	end_writing(&writing);
}

void
bev_executor_delete(Relation table, ItemPointer tid)
{
	Writing writing;
	EPQState unused;
	TupleTableSlot *slot;

	begin_writing(&writing, table);
	bev_no_epq(&unused, writing.estate);
	slot = ExecInitExtraTupleSlot(writing.estate, RelationGetDescr(table), &TTSOpsVirtual);
	slot->tts_tid = *tid;
	write_row(&writing, slot, &unused);
	EvalPlanQualEnd(&unused);
	end_writing(&writing);
}
