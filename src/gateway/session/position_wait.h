/*
 * position_wait.h - sessions that want to know when they were sent the stream up to a seq.
 */
#ifndef BEV_GATEWAY_SESSION_POSITION_WAIT_H
#define BEV_GATEWAY_SESSION_POSITION_WAIT_H

#include "gateway/session/session.h"

/* All zero: nobody waits. */
typedef struct BevPositionWaits
{
	LIST_HEAD(, BevPositionWait) list;
} BevPositionWaits;

/*
 * Reply to the session's request, whose id this is (JSON text, or NULL), once it was sent all
 * up to seq, or after so many ms.  False: it waits for too much already.
 */
extern bool bev_position_wait_add(BevPositionWaits *waits, BevSession *session, const char *id,
                                  uint64_t seq, uint64_t timeout);

/* Reply to those who got there, or whose time is over.  Between batches. */
extern void bev_position_wait_look(BevPositionWaits *waits);

/* The session ended: it waits for nothing any more. */
extern void bev_position_wait_leave(BevPositionWaits *waits, BevSession *session);

extern void bev_position_wait_free(BevPositionWaits *waits);

#endif /* BEV_GATEWAY_SESSION_POSITION_WAIT_H */
