/*
 * journal_time.c - the place of a moment in the stream.
 *
 * Model: the journal is ordered by seq, and so, nearly, by time: a transaction notes the time a
 * moment after it has its seqs, and another one may come in between.  So the place of a moment
 * somewhat before is found by halving, and from there on the rows are looked at one by one.  What
 * isn't settled yet is behind the result, since it may turn out to be later.
 *
 * Cost: some sixty probes of an index, and a look at the transactions of SKEW.
 */
#include "server/journal/journal_time.h"

#include "miscadmin.h"
#include "server/journal/journal_reader.h"
#include "server/journal/stream_row.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#define SKEW (2 * USECS_PER_SEC)

/* A seq below which every transaction is older than this, as far as halving tells. */
static uint64
find_older(uint64 low, uint64 high, TimestampTz at)
{
	while (low < high)
	{
		uint64 middle = low + (high - low) / 2;
		TimestampTz next_at;
		uint64 next = bev_journal_next(middle, &next_at);

		CHECK_FOR_INTERRUPTS();
		if (next != 0 && next_at < at)
			low = next;
		else
			high = middle;
	}
	return low;
}

/* From a place before it. */
static uint64
walk_to(uint64 seq, TimestampTz at)
{
	TimestampTz next_at;
	uint64 next;

	while ((next = bev_journal_next(seq, &next_at)) != 0 && next_at < at)
	{
		CHECK_FOR_INTERRUPTS();
		seq = next;
	}
	return seq;
}

/* Is it known that nothing of what was dropped is that young? */
static bool
is_held(uint64 dropped, TimestampTz at)
{
	TimestampTz first_at;

	return dropped == 0 || (bev_journal_next(dropped, &first_at) != 0 && first_at < at);
}

uint64
bev_journal_seq_at(TimestampTz at)
{
	uint64 settled = bev_journal_horizon();
	BevStreamRow stream = {.dropped = 0};
	uint64 seq = 0;

	PushActiveSnapshot(GetLatestSnapshot());
	(void) bev_stream_row_read(&stream);
	if (at > GetCurrentTimestamp())
		seq = settled;
	else if (is_held(stream.dropped, at))
		seq = Min(settled, walk_to(find_older(stream.dropped, settled, at - SKEW), at));
	PopActiveSnapshot();
	return seq;
}
