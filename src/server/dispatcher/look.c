/*
 * look.c - a short transaction of the dispatcher, in which the journal stays as it is.
 */
#include "server/dispatcher/look.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "pgstat.h"
#include "server/journal/journal.h"
#include "utils/snapmgr.h"

bool
bev_look_begin(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	if (!(RecoveryInProgress() ? bev_journal_try_lock_most() : bev_journal_try_lock()))
		return false;
	PushActiveSnapshot(GetTransactionSnapshot());
	return true;
}

void
bev_look_end(MemoryContext context)
{
	if (ActiveSnapshotSet())
		PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	pgstat_report_stat(false);
}
