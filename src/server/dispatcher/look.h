/*
 * look.h - a short transaction of the dispatcher, in which the journal stays as it is.
 */
#ifndef BEV_SERVER_DISPATCHER_LOOK_H
#define BEV_SERVER_DISPATCHER_LOOK_H

#include "postgres.h"

/*
 * A transaction with the journal locked, whose snapshot was taken then: what is there cannot be
 * dropped until its end.  False: somebody else has it locked, and there is no snapshot.  Doesn't
 * wait for a lock (test/t/112_locks.pl).
 */
extern bool bev_look_begin(void);

/* End it, whether it has a snapshot or not; context is current then. */
extern void bev_look_end(MemoryContext context);

#endif /* BEV_SERVER_DISPATCHER_LOOK_H */
