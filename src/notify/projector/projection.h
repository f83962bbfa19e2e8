/*
 * projection.h - what follows from an event.
 */
#ifndef BEV_NOTIFY_PROJECTOR_PROJECTION_H
#define BEV_NOTIFY_PROJECTOR_PROJECTION_H

#include "postgres.h"

#include "notify/projector/change.h"

/*
 * Write what follows from it.  False: nothing does.  Throws if it can't be written; wants a
 * transaction, and SPI to be connected.
 */
extern bool bev_projection_apply(BevChange *change);

#endif /* BEV_NOTIFY_PROJECTOR_PROJECTION_H */
