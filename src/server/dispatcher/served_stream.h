/*
 * served_stream.h - which stream is served, and what is due for its journal.
 */
#ifndef BEV_SERVER_DISPATCHER_SERVED_STREAM_H
#define BEV_SERVER_DISPATCHER_SERVED_STREAM_H

#include "postgres.h"

#include "server/dispatcher/gateways.h"

/* As it was found last. */
extern const BevServed *bev_served_stream(void);

/*
 * Look whether it is still that one, and do for its journal what is due: history that is old goes,
 * bugevents.enabled is followed, gauges and alerts are renewed.  When it is another one, or gone,
 * the gateways are replaced.  To be called outside of transactions, once in a while, and again at
 * once if it says true.
 */
extern bool bev_served_stream_look_after(void);

/* A settled transaction, in the order of the stream. */
extern void bev_served_stream_take(const BevQueueItem *item);

/* History may have been dropped a moment ago.  Wants a transaction with a snapshot. */
extern void bev_served_stream_look_what_is_dropped(void);

#endif /* BEV_SERVER_DISPATCHER_SERVED_STREAM_H */
