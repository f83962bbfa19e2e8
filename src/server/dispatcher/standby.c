/*
 * standby.c - a standby: how far the replicated journal is decided, and how old what it has is.
 *
 * Model: rows of the journal come with the commits of their transactions, which are not in the
 * order of their seqs.  So a row is served when a seq behind it is known to be decided:
 *
 *		D = max(low of the rows that are visible, the mark, what retention has dropped)
 *
 * Each low, and the mark, speaks of transactions that ended before it was written, so whoever takes
 * a snapshot after having read it sees them all.  The mark is no row version, so it is read first.
 * An era's rows may be there before its record; D stops at the era's base until then.
 *
 * Polling: nothing tells a process that WAL was replayed, in every version.  So replay's position,
 * a word in shared memory, is looked at each few ms, and the journal if it has moved.
 *
 * Age: the primary's dispatcher writes the time with the mark, now and then when nothing else
 * happens (mark.c); each commit has one, too.  The distance in bytes says nothing of a standby that
 * is cut off, and what the next server says nothing of those before it.  It is the clocks' of
 * two machines.
 *
 * Cost: 0.4 percent of a processor while nothing is replayed and somebody is connected; what is
 * replayed, three looks into an index and two into small tables, once in a ms at the most.
 */
#include "server/dispatcher/standby.h"

#include "access/xlog.h"
#include "access/xlogrecovery.h"
#include "server/admission/admission.h"
#include "server/base/settings.h"
#include "server/journal/era.h"
#include "server/journal/journal.h"
#include "server/journal/settled_mark.h"
#include "server/shared/counters.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#define POLL_BUSY  1    /* ms, while WAL is replayed */
#define POLL_IDLE  5    /* ms */
#define POLL_ALONE 200  /* ms, while nobody is connected: who comes wakes the dispatcher */
#define BUSY_FOR   1000 /* ms */

static XLogRecPtr looked_at = InvalidXLogRecPtr;
static TimestampTz moved_at = 0;
static TimestampTz marked_at = 0;
static bool behind = false;

bool
bev_standby_is_one(void)
{
	return RecoveryInProgress();
}

bool
bev_standby_is_due(void)
{
	return GetXLogReplayRecPtr(NULL) != looked_at;
}

long
bev_standby_poll(void)
{
	if (bev_admission_count() == 0)
		return POLL_ALONE;
	return TimestampDifferenceExceeds(moved_at, GetCurrentTimestamp(), BUSY_FOR) ? POLL_IDLE :
	                                                                               POLL_BUSY;
}

static uint64
find_decided(const BevStreamRow *row, uint64 base, uint64 marked)
{
	uint64 decided = Max(Max(base, marked), Max(bev_journal_decided(), row->dropped));

	return Min(decided, bev_era_next_base(base));
}

bool
bev_standby_look(BevStreamRow *row, uint64 *upto)
{
	XLogRecPtr replayed = GetXLogReplayRecPtr(NULL);
	uint64 marked = bev_settled_mark_read(&marked_at);
	uint64 base;
	bool found;

	PushActiveSnapshot(GetLatestSnapshot());
	found = bev_stream_row_read(row) && bev_era_base(&row->id, &base);
	if (found)
		*upto = find_decided(row, base, marked);
	PopActiveSnapshot();
	if (replayed != looked_at)
		moved_at = GetCurrentTimestamp();
	looked_at = replayed;
	return found;
}

static uint64
current_lag(void)
{
	TimestampTz newest = Max(marked_at, GetLatestXTime());
	TimestampTz now = GetCurrentTimestamp();

	return RecoveryInProgress() && now > newest ? now - newest : 0;
}

void
bev_standby_note_lag(void)
{
	uint64 lag = current_lag();

	bev_counters_set_standby_lag(lag);
	behind = bev_standby_lag_limit > 0 && lag > (uint64) bev_standby_lag_limit * 1000;
}

bool
bev_standby_is_behind(void)
{
	return behind;
}
