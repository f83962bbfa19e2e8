/*
 * gathering.h - what is kept of events: everything that is written for many of them at once.
 */
#ifndef BEV_NOTIFY_PROJECTOR_GATHERING_H
#define BEV_NOTIFY_PROJECTOR_GATHERING_H

#include "postgres.h"

#include "notify/projector/change.h"

/* A batch begins: nothing is gathered. */
extern void bev_gathering_begin(void);

/* True: there is something to write. */
extern bool bev_gathering_apply(BevChange *change);

/* Write what was gathered. */
extern void bev_gathering_finish(void);

#endif /* BEV_NOTIFY_PROJECTOR_GATHERING_H */
