/*
 * commit.c - publishing a transaction's events as it commits.
 *
 * Model, in the order of PostgreSQL's CommitTransaction:
 *	1. PRE_COMMIT.  The journal is opened and locked first: waiting for that lock
 *	   with a seq in hand would hold up every later event.  What a big transaction
 *	   still has in memory is written out, for the same reason.
 *	2. The seqs are reserved, and so is the room in the queue.
 *	3. The journal's row is written and the events are copied to the queue.
 *	   The work between 2 and the commit doesn't grow with the transaction.
 *	4. PostgreSQL writes and flushes the commit record and makes the transaction
 *	   visible.
 *	5. COMMIT.  The entry is published.  An error here would be a PANIC, so there
 *	   is nothing that can fail: no allocation, no lock.
 *	ABORT, at any point: the reservation is withdrawn, its seqs belong to nobody.
 *
 * Order: whoever could see this transaction's effects begins to commit after 4,
 * hence reserves after 2 (test/t/103_order.pl).
 *
 * Concurrency: sessions meet in the queue's critical section, in 2 (queue.c).  From 2 to 5
 * later events wait for this transaction to be decided, and no other commit does.  The segment of
 * the journal is held by an ordinary lock, so that retention doesn't empty it meanwhile.
 *
 * Memory: what is pending (pending.c); the journal's row is made in the same buffer.
 *
 * Failure: an error up to 4 takes the transaction back, with its row of the journal.  A session
 * that dies between 2 and 5 takes the server down with it; after a restart the row is in
 * the journal or it isn't, like all that the transaction wrote (test/t/201_durable.pl).
 *
 * Cost: one row of the journal, one critical section, one copy of the events; a look at a variable
 * where nothing is pending.  docs/performance.md has the figures.
 *
 * What an operator asks
 *	What do writers wait for?	A lock on a table of the journal, in 1.  Others hold none
 *								that conflicts, but for commands on those tables.
 *	What holds events up?		The WAL flush of 4, and the synchronous standby's
 *								(test/t/106_hold.pl).
 *
 * PREPARE TRANSACTION only writes the events to the journal; what follows then is
 * in two_phase.c.
 */
#include "server/commit/commit.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "server/commit/pending.h"
#include "server/journal/era.h"
#include "server/journal/spilled.h"
#include "server/journal/sequence.h"
#include "utils/timestamp.h"

static BevReservation reservation;
static bool reserved = false;

bool
bev_commit_reserve(uint32 n, Size size, BevJournal *journal, BevReservation *claim)
{
	for (;;)
	{
		int segment = bev_queue_segment();

		/* This may wait for a lock, and meanwhile the segment may be another one. */
		if (!bev_journal_open(journal, BEV_TABLE_SEGMENT + segment))
			return false;
		if (bev_queue_reserve(n, size, segment, claim))
			return true;
		bev_journal_close(journal);
	}
}

static void
write_journal(BevJournal *journal, const BevPending *pending)
{
	BevJournalRow row = {.first_seq = reservation.first_seq,
	                     .n = pending->n,
	                     .low = reservation.low,
	                     .xid = GetTopFullTransactionId(),
	                     .at = GetCurrentTimestamp()};

	bev_queue_fill(&reservation, pending->spilled ? NULL : pending->records + BEV_JOURNAL_ROOM,
	               U64FromFullTransactionId(row.xid), row.at);
	bev_journal_insert(journal, &row, pending->records, pending->size);
	if (pending->spilled)
		bev_spilled_remember(row.xid, row.first_seq + row.n - 1);
}

void
bev_commit_begin(void)
{
	BevPending pending;
	BevJournal journal;

	if (!bev_pending_exists())
		return;

	/* The extension was dropped by this very transaction: nobody listens. */
	if (!OidIsValid(bev_journal_table(BEV_TABLE_SEGMENT)))
	{
		bev_pending_reset();
		return;
	}
	bev_pending_finish(&pending);
	bev_sequence_begin();
	bev_era_mark();
	if (pending.spilled)
		bev_spilled_lock();
	if (!bev_commit_reserve(pending.n, pending.size, &journal, &reservation))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
		                errmsg("the journal of bugevents does not exist")));
	reserved = true;
	write_journal(&journal, &pending);
	bev_journal_close(&journal);
}

void
bev_commit_end(bool committed)
{
	if (reserved)
	{
		if (committed)
			bev_queue_publish(&reservation, XactLastCommitEnd);
		else
			bev_queue_withdraw(&reservation);
		reserved = false;
	}
	bev_era_end_transaction(committed);
	bev_pending_reset();
}
