/*
 * replay.h - history, fetched from the dispatcher in chunks that are shared.
 *
 * Whoever stands at a position that the window no longer holds waits here.  The
 * journal is asked for one chunk after the other; each chunk serves everybody
 * who stands anywhere in its range, and is kept for a while for those who come
 * next.  So a storm of reconnecting clients costs as many fetches as the range
 * they missed has chunks, not as many as there are clients.
 *
 *	waiters   .   . ..    .          . ...      .
 *	          |------ chunk ----|--- chunk ----|--- ...   fetched upwards
 *	     position -->                                    window's floor
 */
#ifndef BEV_GATEWAY_STREAM_REPLAY_H
#define BEV_GATEWAY_STREAM_REPLAY_H

#include <sys/queue.h>

#include "gateway/stream/chunk.h"

/* About how much one FETCH asks for, and how many are under way at once. */
#define BEV_FETCH_BYTES (1024 * 1024)
#define BEV_FETCHES_MAX 4

typedef struct BevWaiter
{
	uint64_t after; /* its position */
	LIST_ENTRY(BevWaiter) entry;
	bool waiting;
	bool whole; /* for what is for admins, too */
} BevWaiter;

typedef struct BevReplayEvents
{
	void (*fetch)(void *owner, const BevFetchMessage *message);
	/* A chunk covers your position now (you wait no more). */
	void (*ready)(void *owner, BevWaiter *waiter);
	/* What is behind your position is gone for good (you wait no more). */
	void (*gone)(void *owner, BevWaiter *waiter);
} BevReplayEvents;

typedef struct BevReplay BevReplay;

extern BevReplay *bev_replay_create(const BevReplayEvents *events, void *owner);
extern void bev_replay_free(BevReplay *replay);

/* The most that finished chunks may take. */
extern void bev_replay_limit(BevReplay *replay, size_t limit);

/*
 * A chunk that covers what follows seq, with what is for admins if it is to be whole; NULL: wait
 * for one.  It may be indexed, but not changed otherwise.
 */
extern BevChunk *bev_replay_find(BevReplay *replay, uint64_t seq, bool whole);

/*
 * Wait for what follows after, up to the window's floor, which is above it.
 * Nothing is sent before bev_replay_ask.
 */
extern void bev_replay_wait(BevReplay *replay, BevWaiter *waiter, uint64_t after, bool whole);
extern void bev_replay_leave(BevWaiter *waiter);

/* Ask for what is waited for; floor is the window's, whole_floor that for those who wait whole. */
extern void bev_replay_ask(BevReplay *replay, uint64_t floor, uint64_t whole_floor);

/*
 * An event of an answer.  False: it breaks the order.  What answers a request
 * from before a reset is ignored.
 */
extern bool bev_replay_add(BevReplay *replay, const BevEventsMessage *message, uint32_t n,
                           const BevEvent *event);

/* The end of an answer, which is whole or isn't.  False: it brings its position nowhere. */
extern bool bev_replay_end(BevReplay *replay, const BevFetchedMessage *message, bool whole);

/* The history was replaced: forget all, everybody's past is gone. */
extern void bev_replay_reset(BevReplay *replay);

#endif /* BEV_GATEWAY_STREAM_REPLAY_H */
