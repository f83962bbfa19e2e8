/*
 * count.c - counting, and telling the dispatcher.
 *
 * Model: the delay of a transaction's events is measured when the batch that they are in has been
 * written to everyone who keeps up: one look at the clock for each batch.  Of a batch with more
 * transactions than fit, the rest counts as the last of them.
 */
#include "gateway/session/count.h"
#include "common/program/wall_clock.h"
#include "gateway/config/config.h"

#include <stdio.h>
#include <string.h>

void
bev_count_error(BevCounts *counts, const char *code)
{
	int found =
		bev_counter_find(BEV_COUNT_ERROR_missing_token, BEV_COUNT_ERROR_internal_error, code);

	if (found >= 0)
		counts->counter[found]++;
}

void
bev_count_close(BevCounts *counts, int code)
{
	char text[12];
	int found;

	snprintf(text, sizeof(text), "%d", code);
	found = bev_counter_find(BEV_COUNT_CLOSE_1000, BEV_COUNT_CLOSE_other, text);
	counts->counter[found >= 0 ? found : BEV_COUNT_CLOSE_other]++;
}

void
bev_count_committed(BevCounts *counts, uint64_t seq, int64_t at)
{
	BevDelays *delays = &counts->delays;

	if (delays->count > 0 &&
	    (delays->at[delays->count - 1] == at || delays->count == BEV_DELAYS_MAX))
		delays->times[delays->count - 1]++;
	else
	{
		delays->at[delays->count] = at;
		delays->seq[delays->count] = seq;
		delays->times[delays->count++] = 1;
	}
}

static BevCounter
delay_counter(int64_t us)
{
	static const int64_t bounds[] = {1000,   2500,   5000,   10000,   25000,   50000,
	                                 100000, 250000, 500000, 1000000, 5000000, 30000000};
	int i = 0;

	while (i < (int) (sizeof(bounds) / sizeof(bounds[0])) && us > bounds[i])
		i++;
	return BEV_COUNT_DELAY_1MS + i;
}

/* Of those of a second that are worth a line in the log the slowest is told. */
static void
note_slow(BevSlowMessage *slow, const BevSlowMessage *one)
{
	uint32_t events = slow->events + one->events;

	if (one->us > slow->us)
		*slow = *one;
	slow->events = events;
}

void
bev_count_written(BevCounts *counts, uint32_t clients, uint32_t slow_limit)
{
	BevDelays *delays = &counts->delays;
	int64_t now;

	if (delays->count == 0)
		return;
	now = bev_wall_clock_us();
	for (int i = 0; i < delays->count; i++)
	{
		/* The clock may have been set back meanwhile. */
		int64_t us = now > delays->at[i] ? now - delays->at[i] : 0;

		counts->counter[delay_counter(us)] += delays->times[i];
		counts->counter[BEV_COUNT_DELAY_SUM] += (uint64_t) us * delays->times[i];
		if (slow_limit != BEV_NEVER && clients > 0 && us > slow_limit * INT64_C(1000))
			note_slow(&counts->slow, &(BevSlowMessage){.seq = delays->seq[i],
			                                           .us = (uint64_t) us,
			                                           .events = delays->times[i],
			                                           .clients = clients});
	}
	delays->count = 0;
}

static void
tell_slow(BevCounts *counts, BevLink *link)
{
	if (counts->slow.events == 0)
		return;
	bev_link_send(link, BEV_MSG_SLOW, &counts->slow, NULL, 0);
	counts->slow = (BevSlowMessage){0};
}

void
bev_count_tell(BevCounts *counts, BevLink *link)
{
	tell_slow(counts, link);
	if (memcmp(counts->counter, counts->told, sizeof(counts->told)) == 0)
		return;
	memcpy(counts->told, counts->counter, sizeof(counts->told));
	bev_link_send(link, BEV_MSG_COUNTERS, counts->counter, NULL, 0);
}
