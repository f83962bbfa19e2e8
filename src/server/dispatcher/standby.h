/*
 * standby.h - a standby: how far the replicated journal is decided, and how old what it has is.
 */
#ifndef BEV_SERVER_DISPATCHER_STANDBY_H
#define BEV_SERVER_DISPATCHER_STANDBY_H

#include "postgres.h"

#include "server/journal/stream_row.h"

/* Is this server a standby now, that is, does it replay WAL? */
extern bool bev_standby_is_one(void);

/*
 * Was WAL replayed since it was last looked how far the journal is?  The time until it is asked
 * again, in ms, while clients wait for events.
 */
extern bool bev_standby_is_due(void);
extern long bev_standby_poll(void);

/*
 * The stream, as the database says now; false: there is none that may be served.  *upto is the seq
 * up to which each of its transactions is visible to whatever snapshot is taken from now on, or
 * gone.  In a look (look.h); takes a snapshot of its own.
 */
extern bool bev_standby_look(BevStreamRow *row, uint64 *upto);

/* Note how old what is replayed is, for bev_standby_is_behind() and the metrics. */
extern void bev_standby_note_lag(void);

/* By more than bugevents.standby_lag_limit, when that was last noted; false on a primary. */
extern bool bev_standby_is_behind(void);

#endif /* BEV_SERVER_DISPATCHER_STANDBY_H */
