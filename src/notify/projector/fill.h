/*
 * fill.h - filling statistics from the tables.
 */
#ifndef BEV_NOTIFY_PROJECTOR_FILL_H
#define BEV_NOTIFY_PROJECTOR_FILL_H

#include "postgres.h"

/*
 * Do a part of what is to be done, if anything is, in a transaction of its own; whether anything
 * is, is looked for at once when idle, else within a second.  True: there is more.  Throws nothing:
 * what fails is tried again later.
 */
extern bool bev_fill_run(bool idle);

/* All of it is to be done again.  In the caller's transaction. */
extern void bev_fill_want(void);

#endif /* BEV_NOTIFY_PROJECTOR_FILL_H */
