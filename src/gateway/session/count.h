/*
 * count.h - counting, and telling the dispatcher.
 */
#ifndef BEV_GATEWAY_SESSION_COUNT_H
#define BEV_GATEWAY_SESSION_COUNT_H

#include "common/pipe/counter.h"
#include "gateway/net/link.h"

/* Commits whose events are in the batch, to be measured when it is written. */
#define BEV_DELAYS_MAX 256

typedef struct BevDelays
{
	int count;
	int64_t at[BEV_DELAYS_MAX];   /* us since 1970 */
	uint64_t seq[BEV_DELAYS_MAX]; /* of the first event */
	uint32_t times[BEV_DELAYS_MAX];
} BevDelays;

typedef struct BevCounts
{
	uint64_t counter[BEV_COUNTER_KINDS];
	uint64_t told[BEV_COUNTER_KINDS]; /* what the dispatcher knows of it */
	BevDelays delays;
	BevSlowMessage slow; /* to be told; events 0: nothing */
} BevCounts;

static inline void
bev_count(BevCounts *counts, BevCounter counter, uint64_t n)
{
	counts->counter[counter] += n;
}

/* An error message of this code. */
extern void bev_count_error(BevCounts *counts, const char *code);

/* A connection that was let in ended with this close code. */
extern void bev_count_close(BevCounts *counts, int code);

/* An event that was committed at this moment (us since 1970) is part of the batch. */
extern void bev_count_committed(BevCounts *counts, uint64_t seq, int64_t at);

/*
 * The batch is written, to so many clients.  What took longer than slow_limit (ms, or
 * BEV_NEVER) is told.
 */
extern void bev_count_written(BevCounts *counts, uint32_t clients, uint32_t slow_limit);

/* Send the counters, if they changed, and what was slow. */
extern void bev_count_tell(BevCounts *counts, BevLink *link);

#endif /* BEV_GATEWAY_SESSION_COUNT_H */
