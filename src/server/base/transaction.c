/*
 * transaction.c - a transaction of a worker's own.
 */
#include "server/base/transaction.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "pgstat.h"
#include "utils/snapmgr.h"

void
bev_transaction_begin(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	PushActiveSnapshot(GetTransactionSnapshot());
}

void
bev_transaction_commit(MemoryContext context)
{
	PopActiveSnapshot();
	SPI_finish();
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	/* Else autovacuum wouldn't learn what was written; no more than once a second. */
	(void) pgstat_report_stat(false);
}
