/*
 * fanout.h - brings the stream to the sessions.
 *
 * Between batches sessions->sent_tip is the window's tip: whoever places a session
 * or lets it go on while a batch is being taken in sends that batch first, or
 * the client would receive it twice.
 */
#ifndef BEV_GATEWAY_SESSION_FANOUT_H
#define BEV_GATEWAY_SESSION_FANOUT_H

#include "gateway/config/config.h"
#include "gateway/session/position_wait.h"
#include "gateway/session/subscribers.h"
#include "gateway/stream/stream.h"

/* The last run that was for everyone, from a frame on, in one form. */
typedef struct BevShared
{
	const BevChunk *chunk; /* NULL: there is none */
	uint32_t from;
	BevRun run;
	BevText text; /* where its bytes are, unless they are the chunk's own */
} BevShared;

typedef struct BevFanout
{
	BevSessions *sessions;
	BevCounts *counts;
	BevLink *link; /* history is asked for there */
	const BevConfig *config;
	BevStream stream;
	BevSubscribers subscribers;
	BevPositionWaits waits;

	/* The batch: what is in the window above sessions->sent_tip */
	uint64_t batch;         /* its number */
	uint32_t batch_clients; /* to whom some of it was written */
	bool in_batch;          /* the window does not change */
	BevText scratch;        /* where runs with gaps are gathered */
	BevShared shared[BEV_FORMS];

	uint32_t conflating; /* sessions; the window is indexed for them */
} BevFanout;

/* Make what a stream needs; sessions, counts, link and config are set. */
extern void bev_fanout_begin(BevFanout *fanout);
extern void bev_fanout_free(BevFanout *fanout);

/* Send the batch, to everyone concerned who is live. */
extern void bev_fanout_batch(BevFanout *fanout);

/*
 * Let a session go on from its cursor, as far as there is room.  It becomes live
 * when it has everything, or parked.
 */
extern void bev_fanout_go_on(BevFanout *fanout, BevSession *session);

/* Place an open session at a seq: everything after it follows. */
extern void bev_fanout_place(BevFanout *fanout, BevSession *session, uint64_t seq);

/*
 * Is what comes now all that the session may see?  Not that of an admin, until the dispatcher says
 * that it sends what is for admins.
 */
extern bool bev_fanout_serves(const BevFanout *fanout, const BevSession *session);

/* Let those go on who were held for that and needn't be any more, or this one. */
extern void bev_fanout_release(BevFanout *fanout);
extern void bev_fanout_release_one(BevFanout *fanout, BevSession *session);

/* From now on the session wants this, which it owns; NULL: everything. */
extern void bev_fanout_subscribe(BevFanout *fanout, BevSession *session,
                                 BevSubscription *subscription);

/* Give a session that waits for its answer in JSON what there is, up to its position. */
extern void bev_fanout_answer(BevFanout *fanout, BevSession *session);

/*
 * From now on, when the session lags, it gets of each row only the last state that
 * it may see and wants; or all of them again.
 */
extern void bev_fanout_conflate(BevFanout *fanout, BevSession *session, bool conflate);

/* What follows its position can't be had: tell it, and go on from the tip. */
extern void bev_fanout_resync(BevFanout *fanout, BevSession *session);

/* The session ended: it waits for nothing any more. */
extern void bev_fanout_leave(BevFanout *fanout, BevSession *session);

#endif /* BEV_GATEWAY_SESSION_FANOUT_H */
