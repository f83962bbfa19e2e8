/*
 * history.h - who changed what when: the rows of bugevents.history.
 */
#ifndef BEV_NOTIFY_PROJECTOR_HISTORY_H
#define BEV_NOTIFY_PROJECTOR_HISTORY_H

#include "postgres.h"

#include "notify/projector/change.h"

/* Nothing is gathered. */
extern void bev_history_begin(void);

/* True: it belongs to the history, and is to be written by finish(). */
extern bool bev_history_apply(BevChange *change);

extern void bev_history_finish(void);

/* Delete some of what is older than bugevents.history_retention; true: there may be more. */
extern bool bev_history_expire(void);

#endif /* BEV_NOTIFY_PROJECTOR_HISTORY_H */
