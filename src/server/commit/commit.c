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
 * hence reserves after 2.
 *
 * PREPARE TRANSACTION only writes the events to the journal; what follows then is
 * in two_phase.c.
 */
#include "server/commit/commit.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "server/commit/pending.h"
#include "server/journal/spilled.h"
#include "server/journal/sequence.h"
#include "utils/timestamp.h"

static BeReservation reservation;
static bool reserved = false;

bool
be_commit_reserve(uint32 n, Size size, BeJournal *journal, BeReservation *claim)
{
	for (;;)
	{
		int			segment = be_queue_segment();

		/* This may wait for a lock, and meanwhile the segment may be another one. */
		if (!be_journal_open(journal, BE_TABLE_SEGMENT + segment))
			return false;
		if (be_queue_reserve(n, size, segment, claim))
			return true;
		be_journal_close(journal);
	}
}

static void
write_journal(BeJournal *journal, const BePending *pending)
{
	BeJournalRow row = {
		.first_seq = reservation.first_seq,
		.n = pending->n,
		.low = reservation.low,
		.xid = GetTopFullTransactionId(),
		.at = GetCurrentTimestamp()
	};

	be_queue_fill(&reservation,
				  pending->spilled ? NULL : pending->records + BE_JOURNAL_ROOM,
				  U64FromFullTransactionId(row.xid), row.at);
	be_journal_insert(journal, &row, pending->records, pending->size);
	if (pending->spilled)
		be_parted_remember(row.xid, row.first_seq + row.n - 1);
}

static void
pre_commit(void)
{
	BePending	pending;
	BeJournal	journal;

	if (!be_pending_exists())
		return;

	/* The extension was dropped by this very transaction: nobody listens. */
	if (!OidIsValid(be_journal_table(BE_TABLE_SEGMENT)))
	{
		be_pending_reset();
		return;
	}
	be_pending_finish(&pending);
	be_sequence_begin();
	if (pending.spilled)
		be_parted_lock();
	if (!be_commit_reserve(pending.n, pending.size, &journal, &reservation))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the journal of bugevents does not exist")));
	reserved = true;
	write_journal(&journal, &pending);
	be_journal_close(&journal);
}

static void
end_transaction(bool committed)
{
	if (reserved)
	{
		if (committed)
			be_queue_publish(&reservation, XactLastCommitEnd);
		else
			be_queue_withdraw(&reservation);
		reserved = false;
	}
	be_pending_reset();
}

static void
on_transaction(XactEvent event, void *arg pg_attribute_unused())
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			pre_commit();
			break;
		case XACT_EVENT_COMMIT:
			end_transaction(true);
			break;
		case XACT_EVENT_ABORT:
			end_transaction(false);
			break;
		case XACT_EVENT_PRE_PREPARE:
			be_pending_spill();
			break;
		case XACT_EVENT_PREPARE:
			be_pending_reset();
			break;
		case XACT_EVENT_PARALLEL_PRE_COMMIT:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_PARALLEL_ABORT:
			break;				/* parallel workers don't write */
	}
}

static void
on_subtransaction(SubXactEvent event, SubTransactionId id pg_attribute_unused(),
				  SubTransactionId parent pg_attribute_unused(), void *arg pg_attribute_unused())
{
	if (!be_pending_exists())
		return;
	if (event == SUBXACT_EVENT_PRE_COMMIT_SUB)
		be_pending_before_commit_level(GetCurrentTransactionNestLevel());
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
		be_pending_commit_level(GetCurrentTransactionNestLevel());
	else if (event == SUBXACT_EVENT_ABORT_SUB)
		be_pending_abort_level(GetCurrentTransactionNestLevel());
}

void
be_commit_register(void)
{
	RegisterXactCallback(on_transaction, NULL);
	RegisterSubXactCallback(on_subtransaction, NULL);
}
