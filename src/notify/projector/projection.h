/*
 * projection.h - what follows from an event.
 */
#ifndef BE_NOTIFY_PROJECTOR_PROJECTION_H
#define BE_NOTIFY_PROJECTOR_PROJECTION_H

#include "postgres.h"

#include "notify/projector/change.h"

/*
 * Write what follows from it.  False: nothing does.  Throws if it can't be written; wants a
 * transaction, and SPI to be connected.
 */
extern bool be_projection_apply(BeChange *change);

#endif							/* BE_NOTIFY_PROJECTOR_PROJECTION_H */
