/*
 * scope.h - what of the stream a gateway gets that has no admin connected.
 */
#ifndef BEV_SERVER_DISPATCHER_SCOPE_H
#define BEV_SERVER_DISPATCHER_SCOPE_H

#include "postgres.h"

#include "common/event/event.h"
#include "server/queue/queue.h"

/*
 * Take in what so many records say of users' rights (admission.h), the first of which has this
 * seq, and make *concealed what such a gateway gets of them: the same bytes, or ours until the next
 * call.  False: there is no memory for that.
 */
extern bool bev_scope_take(uint64 first_seq, BevSpan records, uint32 count, BevSpan *concealed);

/* The second half of it. */
extern bool bev_scope_conceal(BevSpan records, uint32 count, BevSpan *concealed);

/*
 * The same of a transaction from the queue.  For want of memory it comes back as one that the queue
 * doesn't carry.  Doesn't throw.
 */
extern BevQueueItem bev_scope_take_item(const BevQueueItem *item);

#endif /* BEV_SERVER_DISPATCHER_SCOPE_H */
