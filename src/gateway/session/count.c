/*
 * count.c - counting, and telling the dispatcher.
 *
 * Model: the delay of a transaction's events is measured when the batch that they are in has been
 * written to everyone who keeps up: one look at the clock for each batch.  Of a batch with more
 * transactions than fit, the rest counts as the last of them.
 */
#include "gateway/session/count.h"
#include "common/program/wall_clock.h"

#include <stdio.h>
#include <string.h>

void
bev_count_error(BevGateway *gateway, const char *code)
{
	int found =
		bev_counter_find(BEV_COUNT_ERROR_missing_token, BEV_COUNT_ERROR_internal_error, code);

	if (found >= 0)
		gateway->counter[found]++;
}

void
bev_count_close(BevGateway *gateway, int code)
{
	char text[12];
	int found;

	snprintf(text, sizeof(text), "%d", code);
	found = bev_counter_find(BEV_COUNT_CLOSE_1000, BEV_COUNT_CLOSE_other, text);
	gateway->counter[found >= 0 ? found : BEV_COUNT_CLOSE_other]++;
}

void
bev_count_committed(BevGateway *gateway, uint64_t seq, int64_t at)
{
	BevDelays *delays = &gateway->delays;

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

/* Is it worth a line in the log?  Of those of a second the slowest is. */
static void
note_slow(BevGateway *gateway, uint64_t seq, uint64_t us, uint32_t events)
{
	BevSlowMessage *slow = &gateway->slow;
	uint32_t limit = gateway->config->log_slow_delivery;

	if (limit == BEV_NEVER || us <= limit * UINT64_C(1000) || gateway->batch_clients == 0)
		return;
	events += slow->events;
	if (us > slow->us)
		*slow = (BevSlowMessage){.seq = seq, .us = us, .clients = gateway->batch_clients};
	slow->events = events;
}

void
bev_count_written(BevGateway *gateway)
{
	BevDelays *delays = &gateway->delays;
	int64_t now;

	if (delays->count == 0)
		return;
	now = bev_wall_clock_us();
	for (int i = 0; i < delays->count; i++)
	{
		/* The clock may have been set back meanwhile. */
		int64_t us = now > delays->at[i] ? now - delays->at[i] : 0;

		gateway->counter[delay_counter(us)] += delays->times[i];
		gateway->counter[BEV_COUNT_DELAY_SUM] += (uint64_t) us * delays->times[i];
		note_slow(gateway, delays->seq[i], (uint64_t) us, delays->times[i]);
	}
	delays->count = 0;
}

static void
tell_slow(BevGateway *gateway)
{
	if (gateway->slow.events == 0)
		return;
	bev_link_send(&gateway->link, BEV_MSG_SLOW, &gateway->slow, sizeof(gateway->slow), NULL, 0);
	gateway->slow = (BevSlowMessage){0};
}

void
bev_count_tell(BevGateway *gateway)
{
	tell_slow(gateway);
	if (memcmp(gateway->counter, gateway->told, sizeof(gateway->told)) == 0)
		return;
	memcpy(gateway->told, gateway->counter, sizeof(gateway->told));
	bev_link_send(&gateway->link, BEV_MSG_COUNTERS, gateway->counter, sizeof(gateway->counter),
	              NULL, 0);
}
