/*
 * two_phase.c - publishing what was captured by a prepared transaction.
 *
 * Model: PREPARE TRANSACTION wrote the events to journal_part, without seqs (see
 * commit.c).  PostgreSQL calls no transaction callback for a prepared
 * transaction when it is committed, so the command itself is watched:
 *	1. In a transaction of its own, seqs are reserved and the journal's row that
 *	   announces the events is written and committed.  Readers pass over it as long
 *	   as they can't see the events.
 *	2. PostgreSQL commits the prepared transaction.
 *	3. The entry is published.
 *	The seqs are pending from 1 to 3.  Whoever can see the transaction's effects
 *	begins to commit after 2, hence gets higher seqs.
 *
 * Concurrency: a lock for each prepared transaction, of the session since it is
 * held over the end of 1.  Otherwise another session that commits it, too, could
 * announce it anew after 2, and what was published already once more.
 *
 * Failure: whatever happens in 2, the entry is published.  It carries no events
 * but sends readers to the journal, where they find all of them or none.  After a
 * crash between 1 and 2, the next COMMIT PREPARED takes the announcement back and
 * makes another (server/journal/spilled.c).
 *
 * Memory: one reservation, of the session.
 *
 * Cost: a look at each utility command; COMMIT PREPARED looks the transaction up twice by SQL, and
 * commits another transaction before it.
 *
 * What an operator asks
 *	Why "is busy"?			Another session commits the same prepared transaction.
 *	Where are its events?	In journal_part until it is committed.  What a logical replication's
 *							apply worker commits isn't announced (docs/reliability.md).
 *
 * Not here: ROLLBACK PREPARED.  PostgreSQL takes the parts back by itself.
 */
#include "postgres.h"

#include "server/commit/two_phase.h"

#include "access/xact.h"
#include "server/commit/commit.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "server/base/settings.h"
#include "server/journal/era.h"
#include "server/journal/spilled.h"
#include "server/journal/sequence.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/procarray.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

static BevReservation reservation;
static bool reserved = false;

/* The full id of a transaction that is in progress. */
static FullTransactionId
widen_xid(TransactionId xid)
{
	FullTransactionId next = ReadNextFullTransactionId();
	uint32 epoch = EpochFromFullTransactionId(next);

	if (xid > XidFromFullTransactionId(next))
		epoch--;
	return FullTransactionIdFromEpochAndXid(epoch, xid);
}

/* The prepared transaction of this name; invalid when there is none here. */
static FullTransactionId
find_prepared(const char *gid)
{
	FullTransactionId xid = InvalidFullTransactionId;
	Oid type = TEXTOID;
	Datum value = CStringGetTextDatum(gid);

	SPI_connect();
	if (SPI_execute_with_args("SELECT p.transaction FROM pg_catalog.pg_prepared_xact() p"
	                          " WHERE p.gid OPERATOR(pg_catalog.=) $1",
	                          1, &type, &value, NULL, true, 1) == SPI_OK_SELECT &&
	    SPI_processed == 1)
	{
		bool isnull;
		Datum found = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);

		xid = widen_xid(DatumGetTransactionId(found));
	}
	SPI_finish();
	return xid;
}

/* An error releases the lock, though it is the session's. */
static LOCKTAG
lock_prepared(FullTransactionId xid, const char *gid)
{
	LOCKTAG tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, bev_journal_table(BEV_TABLE_PARTED),
	                   XidFromFullTransactionId(xid), 0);
	if (LockAcquire(&tag, ExclusiveLock, true, true) == LOCKACQUIRE_NOT_AVAIL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		                errmsg("prepared transaction with identifier \"%s\" is busy", gid)));
	return tag;
}

/* Readers will find the events in the journal, or find that there are none. */
void
bev_two_phase_end(void)
{
	if (reserved)
		bev_queue_publish(&reservation, InvalidXLogRecPtr);
	reserved = false;
}

/* Step 1; leaves a new transaction begun. */
static void
announce(FullTransactionId xid, uint32 n)
{
	BevJournal journal;
	BevJournalRow row = {.n = n, .xid = xid};

	bev_spilled_lock();
	bev_spilled_forget(xid);
	bev_sequence_begin();
	bev_era_mark();
	if (!bev_commit_reserve(n, 0, &journal, &reservation))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
		                errmsg("the journal of bugevents does not exist")));
	reserved = true;
	row.at = GetCurrentTimestamp();
	bev_queue_fill(&reservation, NULL, U64FromFullTransactionId(xid), row.at);
	row.first_seq = reservation.first_seq;
	row.low = reservation.low;
	bev_journal_insert(&journal, &row, NULL, 0);
	bev_journal_close(&journal);
	bev_spilled_remember(xid, row.first_seq + n - 1);

	/* To be terminated between two transactions would leave the seqs pending. */
	HOLD_INTERRUPTS();
	CommitTransactionCommand();
	StartTransactionCommand();
	RESUME_INTERRUPTS();
}

/* How many events COMMIT PREPARED has to publish; if any, the lock is taken. */
static uint64
lock_publisher(const char *gid, FullTransactionId *xid, LOCKTAG *lock)
{
	uint64 n = 0;

	if (!OidIsValid(bev_journal_table(BEV_TABLE_PART)))
		return 0;
	*xid = find_prepared(gid);
	if (!FullTransactionIdIsValid(*xid))
		return 0;
	*lock = lock_prepared(*xid, gid);

	/* Nobody else can commit it now; did somebody? */
	if (FullTransactionIdEquals(find_prepared(gid), *xid))
		n = bev_spilled_count(*xid);
	if (n == 0)
		LockRelease(lock, ExclusiveLock, true);
	return n;
}

static bool
is_commit_prepared(const Node *command)
{
	return IsA(command, TransactionStmt) &&
	       ((const TransactionStmt *) command)->kind == TRANS_STMT_COMMIT_PREPARED;
}

void
bev_two_phase_announce(const Node *command, bool top_level, BevPublisher *publisher)
{
	FullTransactionId xid;
	uint64 n;

	publisher->announced = false;
	if (!is_commit_prepared(command) || !bev_settings_database_is_served())
		return;

	PreventInTransactionBlock(top_level, "COMMIT PREPARED");
	PushActiveSnapshot(GetTransactionSnapshot());
	n = lock_publisher(((const TransactionStmt *) command)->gid, &xid, &publisher->lock);
	PopActiveSnapshot();
	if (n == 0)
		return;
	announce(xid, n);
	publisher->announced = true;
}

void
bev_two_phase_publish(const BevPublisher *publisher)
{
	if (!publisher->announced)
		return;
	bev_two_phase_end();
	LockRelease(&publisher->lock, ExclusiveLock, true);
}
