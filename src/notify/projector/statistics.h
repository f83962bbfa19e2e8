/*
 * statistics.h - what is counted of projects, users and bugs.
 */
#ifndef BEV_NOTIFY_PROJECTOR_STATISTICS_H
#define BEV_NOTIFY_PROJECTOR_STATISTICS_H

#include "postgres.h"

#include "notify/projector/change.h"

/* Nothing is gathered. */
extern void bev_statistics_begin(void);

/* True: something is counted by it, or not any more, and is to be written by finish(). */
extern bool bev_statistics_apply(BevChange *change);

extern void bev_statistics_finish(void);

/* ---- for the filling of statistics from the tables (fill.c) ---- */

/* A row as it is, of one of these entities. */
extern void bev_statistics_put(BevChange *change);

/* There is no row of that entity and id. */
extern void bev_statistics_put_gone(const char *entity, const char *id);

#endif /* BEV_NOTIFY_PROJECTOR_STATISTICS_H */
