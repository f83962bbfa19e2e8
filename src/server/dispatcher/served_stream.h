/*
 * served_stream.h - which stream is served, and what is due for its journal.
 */
#ifndef BEV_SERVER_DISPATCHER_SERVED_STREAM_H
#define BEV_SERVER_DISPATCHER_SERVED_STREAM_H

#include "postgres.h"

#include "server/dispatcher/gateways.h"

/* As it is known, and how far it may be sent. */
extern const BevServed *bev_served_stream(void);
extern uint64 bev_served_stream_tip(void);

/*
 * On a standby that serves: look how far the journal is.  False: another stream is there to be
 * looked after.  To be called outside of transactions.
 */
extern bool bev_served_stream_follow(void);

/* This server was a standby, and serves what it had as such; it is to be looked after at once. */
extern bool bev_served_stream_is_to_be_taken_over(void);

/*
 * Look whether it is still that one, and do for its journal what is due: history that is old goes,
 * bugevents.enabled is followed, gauges and alerts are renewed; on a standby only these.  When it
 * is another one, or gone, the gateways are replaced; when it goes on under another name, they are
 * told.  To be called outside of transactions, once in a while, and again at once if it says true.
 */
extern bool bev_served_stream_look_after(void);

/* History may have been dropped a moment ago.  Wants a transaction with a snapshot. */
extern void bev_served_stream_look_what_is_dropped(void);

#endif /* BEV_SERVER_DISPATCHER_SERVED_STREAM_H */
