/*
 * mark.c - tells standbys how far the stream is settled, while no transaction does.
 *
 * Model: each transaction's row says how far the stream was settled before it.  The last one's own
 * end nobody would tell; so when nothing has come for IDLE, the dispatcher writes the mark
 * (server/journal/settled_mark.c), once, and flushes it, since the walwriter takes its time.
 * While nothing is settled, the mark says that the primary is alive, a few times within
 * bugevents.standby_lag_limit: a standby that is cut off, or one behind such a one, can't tell it
 * by itself (standby.c).
 *
 * Without a standby that is connected, it is written once a second at the most, and only
 * if something was settled: whoever goes on from a copy learns from it where the era ended.
 *
 * Cost: a record of 100 bytes and a flush, which takes no more than a tenth of the time, however
 * slow the disk is.  Nothing on an idle server without standbys (test/t/214_serving_standby.pl).
 *
 * Failure: where somebody has locked the table, later.
 */
#include "server/dispatcher/mark.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "replication/walsender.h"
#include "replication/walsender_private.h"
#include "server/base/clock.h"
#include "server/base/settings.h"
#include "server/journal/settled_mark.h"
#include "utils/timestamp.h"

#define IDLE          3    /* ms */
#define ALONE         1000 /* ms */
#define BEATS         4    /* within bugevents.standby_lag_limit */
#define REST_PER_WORK 9

static uint64 last = 0;   /* what was settled at the last look */
static TimestampTz moved; /* when that was new */
static uint64 noted = 0;
static TimestampTz noted_at = 0;
static TimestampTz rested_at = 0; /* not before */

/* Whoever it is; a moment more or less does no harm. */
static bool
standby_is_connected(void)
{
	for (int i = 0; i < max_wal_senders; i++)
		if (WalSndCtl->walsnds[i].pid != 0)
			return true;
	return false;
}

/* When; 0: not before something is settled. */
static TimestampTz
due_at(void)
{
	bool connected = standby_is_connected();
	TimestampTz beat =
		connected && bev_standby_lag_limit > 0 ?
			TimestampTzPlusMilliseconds(noted_at, Max(1, bev_standby_lag_limit / BEATS)) :
			0;
	TimestampTz idle = connected ? TimestampTzPlusMilliseconds(moved, IDLE) :
	                               TimestampTzPlusMilliseconds(noted_at, ALONE);

	if (last == noted)
		return beat;
	idle = Max(idle, rested_at);
	return beat != 0 ? Min(idle, beat) : idle;
}

static void
note(void)
{
	MemoryContext context = CurrentMemoryContext;
	TimestampTz began = GetCurrentTimestamp();
	XLogRecPtr lsn;

	StartTransactionCommand();
	lsn = bev_settled_mark_write(last, began);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	noted_at = GetCurrentTimestamp();
	rested_at = bev_clock_ahead(ALONE);
	if (lsn == InvalidXLogRecPtr)
		return;
	XLogFlush(lsn);
	noted = last;
	noted_at = GetCurrentTimestamp();
	rested_at = noted_at + (noted_at - began) * REST_PER_WORK;
}

void
bev_mark_run(uint64 settled)
{
	TimestampTz due;

	if (settled != last)
		moved = GetCurrentTimestamp();
	last = settled;
	due = due_at();
	if (due != 0 && bev_clock_has_come(due, ALONE + bev_standby_lag_limit))
		note();
}

long
bev_mark_due_in(void)
{
	TimestampTz due = due_at();

	return due == 0 ? -1 : TimestampDifferenceMilliseconds(GetCurrentTimestamp(), due);
}
