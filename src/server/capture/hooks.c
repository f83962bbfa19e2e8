/*
 * hooks.c - where PostgreSQL calls us in a session.
 *
 * Model: one hook and one callback of each kind, which call the parts in the order that stands
 * here.
 *
 *	utility command    the journal is locked if one of its indexes is to move (index_move.c); events
 *	                   are formed of what the command would take away (flush.c); of COMMIT PREPARED,
 *	                   the events are announced (two_phase.c); the command; they are published;
 *	                   what became of the rows is logged
 *	PRE_COMMIT         1. events are formed of what is in the log.  Expressions run: it may take
 *	                      long, wait and throw.
 *	                   2. commit.c locks the journal, takes seqs, writes.  From here on others wait
 *	                      for this transaction.
 *	COMMIT, ABORT      the log is emptied, the seqs are published or given back, and only then the
 *	                   workers are woken: they find what woke them
 *	PRE_PREPARE        events are formed, then written to the journal without seqs
 *	PREPARE            all is forgotten
 *	subtransaction     the log first, then what was formed of it
 *
 * Failure: before the transaction commits an error takes it back, as any other error of it.  What
 * COMMIT, PREPARE and ABORT call neither allocates nor locks, since an error there is a PANIC.
 *
 * Cost: a look at each statement, utility command and transaction.
 */
#include "postgres.h"

#include "server/capture/hooks.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "server/attach/renamed_column.h"
#include "server/base/worker_registry.h"
#include "server/capture/flush.h"
#include "server/changes/change_log.h"
#include "server/commit/commit.h"
#include "server/commit/pending.h"
#include "server/commit/two_phase.h"
#include "server/journal/index_move.h"
#include "tcop/utility.h"

static ExecutorStart_hook_type previous_start = NULL;
static ExecutorEnd_hook_type previous_end = NULL;
static ProcessUtility_hook_type previous_utility = NULL;

/* ---- statements ---- */

static bool
changes_rows(const QueryDesc *query)
{
	return query->operation != CMD_SELECT || query->plannedstmt->hasModifyingCTE;
}

static void
start(QueryDesc *query, int flags)
{
	if (changes_rows(query))
		bev_change_log_begin_statement();
	if (previous_start)
		previous_start(query, flags);
	else
		standard_ExecutorStart(query, flags);
}

static void
end(QueryDesc *query)
{
	bool changed = changes_rows(query);

	if (previous_end)
		previous_end(query);
	else
		standard_ExecutorEnd(query);
	if (changed)
		bev_flush_end_statement();
}

static void
utility(PlannedStmt *pstmt, const char *query, bool read_only_tree, ProcessUtilityContext context,
        ParamListInfo params, QueryEnvironment *environment, DestReceiver *dest,
        QueryCompletion *qc)
{
	ProcessUtility_hook_type next = previous_utility ? previous_utility : standard_ProcessUtility;
	BevCommandFlush flush;
	BevPublisher publisher;

	bev_index_move_lock(pstmt->utilityStmt);
	bev_flush_before_command(pstmt->utilityStmt, &flush);
	bev_two_phase_announce(pstmt->utilityStmt, context == PROCESS_UTILITY_TOPLEVEL, &publisher);
	next(pstmt, query, read_only_tree, context, params, environment, dest, qc);
	bev_two_phase_publish(&publisher);
	if (IsA(pstmt->utilityStmt, RenameStmt))
		bev_renamed_column_follow((RenameStmt *) pstmt->utilityStmt);
	bev_flush_after_command(pstmt->utilityStmt, &flush);
}

/* ---- transactions ---- */

static void
end_transaction(bool committed)
{
	bev_change_log_reset();
	if (!committed)
		bev_two_phase_end();
	bev_commit_end(committed);
	bev_worker_registry_end_transaction(committed);
}

static void
on_transaction(XactEvent event, void *arg pg_attribute_unused())
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			bev_flush_finish(true);
			bev_commit_begin();
			break;
		case XACT_EVENT_PRE_PREPARE:
			bev_flush_finish(false);
			bev_pending_spill();
			break;
		case XACT_EVENT_COMMIT:
			end_transaction(true);
			break;
		case XACT_EVENT_PREPARE: /* it has no seqs */
		case XACT_EVENT_ABORT:
			end_transaction(false);
			break;
		case XACT_EVENT_PARALLEL_PRE_COMMIT:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_PARALLEL_ABORT:
			break; /* parallel workers don't write */
	}
}

static void
on_subtransaction(SubXactEvent event, SubTransactionId id pg_attribute_unused(),
                  SubTransactionId parent pg_attribute_unused(), void *arg pg_attribute_unused())
{
	int level = GetCurrentTransactionNestLevel();

	switch (event)
	{
		case SUBXACT_EVENT_START_SUB:
			break;
		case SUBXACT_EVENT_PRE_COMMIT_SUB:
			bev_pending_before_commit_level(level);
			break;
		case SUBXACT_EVENT_COMMIT_SUB:
			bev_change_log_commit_level(level);
			bev_pending_commit_level(level);
			break;
		case SUBXACT_EVENT_ABORT_SUB:
			bev_change_log_abort_level(level);
			bev_pending_abort_level(level);
			break;
	}
}

void
bev_hooks_install(void)
{
	previous_start = ExecutorStart_hook;
	ExecutorStart_hook = start;
	previous_end = ExecutorEnd_hook;
	ExecutorEnd_hook = end;
	previous_utility = ProcessUtility_hook;
	ProcessUtility_hook = utility;
	RegisterXactCallback(on_transaction, NULL);
	RegisterSubXactCallback(on_subtransaction, NULL);
}
