/*
 * subscribers.h - the sessions that find their events by what they ask for.
 */
#ifndef BEV_GATEWAY_SESSION_SUBSCRIBERS_H
#define BEV_GATEWAY_SESSION_SUBSCRIBERS_H

#include "gateway/session/session.h"
#include "gateway/stream/asked_fields.h"
#include "gateway/stream/chunk.h"
#include "gateway/stream/subscription_index.h"

/* An event of the batch that may be for a session. */
typedef struct BevFound
{
	BevSession *session;
	uint64_t seq;
	uint32_t next; /* of the same session: its number and one; 0: none */
} BevFound;

/* All zero: none. */
typedef struct BevSubscribers
{
	BevSubscriptionIndex index;
	BevAskedFields asked;
	uint64_t batch; /* of what is found */
	uint64_t seq;   /* of the event that is looked at */
	BevFound *found;
	uint32_t count;
	uint32_t room;
} BevSubscribers;

/* From now on the session wants this, which it owns; NULL: everything.  Not within a batch. */
extern void bev_subscribers_set(BevSubscribers *subscribers, BevSession *session,
                                BevSubscription *subscription);

/* The session ended: nothing is looked for in its name any more; it keeps its subscription. */
extern void bev_subscribers_leave(BevSubscribers *subscribers, BevSession *session);

/* What a session is to be judged by: labels with the facts, as they are for it. */
extern void bev_subscribers_judge(const BevSubscribers *subscribers, const BevSession *session,
                                  const BevChunk *chunk, const BevFrame *frame, BevLabels *labels);

/* A batch begins: nothing is found yet.  Then, of each event in order, find whom it may be for. */
extern void bev_subscribers_begin(BevSubscribers *subscribers, uint64_t batch);
extern void bev_subscribers_find(BevSubscribers *subscribers, BevSessions *sessions,
                                 const BevChunk *chunk, const BevFrame *frame);

/* Of a chunk, the first frame from i on that was found for the session, or its count. */
extern uint32_t bev_subscribers_next(const BevSubscribers *subscribers, BevSession *session,
                                     const BevChunk *chunk, uint32_t i);

extern void bev_subscribers_free(BevSubscribers *subscribers);

#endif /* BEV_GATEWAY_SESSION_SUBSCRIBERS_H */
