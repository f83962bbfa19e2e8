/*
 * sequence.c - where the seqs of a server's life begin.
 *
 * Model: seqs are kept in shared memory only, so after each start they begin
 * above anything that may have been given out before.  Each event puts more than
 * one byte into the WAL, so the WAL's position is above them all; the journal's
 * last seq covers a cluster whose WAL began anew (pg_resetwal, a restored
 * journal).  This can't be done when shared memory is made, because the WAL's
 * position isn't known before recovery: whoever needs a seq first does it.
 */
#include "postgres.h"

#include "server/journal/sequence.h"

#include "access/xlog.h"
#include "fmgr.h"
#include "server/journal/journal.h"
#include "server/queue/queue.h"
#include "utils/fmgroids.h"

#define SEQ_MARGIN 1000

void
bev_sequence_begin(void)
{
	BevEra era;
	uint64 last_seq;
	int segment;

	if (bev_queue_next_seq() != 0)
		return;
	Assert(!RecoveryInProgress()); /* the WAL's end isn't known before */
	segment = bev_journal_newest(&last_seq);
	era.base = Max(last_seq, GetXLogInsertRecPtr()) + SEQ_MARGIN;
	era.id = *DatumGetUUIDP(OidFunctionCall0(F_GEN_RANDOM_UUID));
	bev_queue_begin(&era, segment);
}
