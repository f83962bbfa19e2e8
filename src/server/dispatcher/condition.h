/*
 * condition.h - what an operator has to do something about, as GET /ready says it.
 */
#ifndef BEV_SERVER_DISPATCHER_CONDITION_H
#define BEV_SERVER_DISPATCHER_CONDITION_H

#include "postgres.h"

/*
 * Is the extension that the database has, if it has one, the one of this library?  If not,
 * nothing of it may be touched; the log says so once.  Wants a transaction with a snapshot.
 */
extern bool bev_condition_extension_fits(void);

/* Look at it all again.  True: the line is another one. */
extern bool bev_condition_changed(void);

/* A line; empty: nothing. */
extern const char *bev_condition_line(void);

/* Is it a reason to let nobody in, and to be found unready? */
extern bool bev_condition_is_behind(void);

#endif /* BEV_SERVER_DISPATCHER_CONDITION_H */
