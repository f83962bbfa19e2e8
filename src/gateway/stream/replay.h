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
#ifndef BE_GATEWAY_STREAM_REPLAY_H
#define BE_GATEWAY_STREAM_REPLAY_H

#include "gateway/stream/chunk.h"

/* About how much one FETCH asks for, and how many are under way at once. */
#define BE_FETCH_BYTES		(1024 * 1024)
#define BE_FETCHES_MAX		4

typedef struct BeWaiter
{
	uint64_t	after;			/* its position */
	struct BeWaiter *prev;
	struct BeWaiter *next;
	bool		waiting;
} BeWaiter;

typedef struct BeReplayEvents
{
	void		(*fetch) (void *owner, const BeFetchMessage *message);
	/* A chunk covers your position now (you wait no more). */
	void		(*ready) (void *owner, BeWaiter *waiter);
	/* What is behind your position is gone for good (you wait no more). */
	void		(*gone) (void *owner, BeWaiter *waiter);
} BeReplayEvents;

typedef struct BeReplay BeReplay;

extern BeReplay *be_replay_create(const BeReplayEvents *events, void *owner);
extern void be_replay_free(BeReplay *replay);

/* The most that finished chunks may take. */
extern void be_replay_limit(BeReplay *replay, size_t limit);

/*
 * A chunk that covers what follows seq; NULL: wait for one.  It may be indexed,
 * but not changed otherwise.
 */
extern BeChunk *be_replay_find(BeReplay *replay, uint64_t seq);

/*
 * Wait for what follows after, up to the window's floor, which is above it.
 * Nothing is sent before be_replay_ask.
 */
extern void be_replay_wait(BeReplay *replay, BeWaiter *waiter, uint64_t after);
extern void be_replay_leave(BeReplay *replay, BeWaiter *waiter);

/* Ask for what is waited for; floor is the window's. */
extern void be_replay_ask(BeReplay *replay, uint64_t floor);

/*
 * An event of an answer.  False: it breaks the order.  What answers a request
 * from before a reset is ignored.
 */
extern bool be_replay_add(BeReplay *replay, const BeEventsMessage *message,
						  uint32_t n, const BeEvent *event);

/* The end of an answer.  False: it brings its position nowhere. */
extern bool be_replay_end(BeReplay *replay, const BeFetchedMessage *message);

/* The history was replaced: forget all, everybody's past is gone. */
extern void be_replay_reset(BeReplay *replay);

#endif							/* BE_GATEWAY_STREAM_REPLAY_H */
