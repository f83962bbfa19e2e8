/*
 * projection.h - what follows from an event.
 */
#ifndef BE_PROJECTION_H
#define BE_PROJECTION_H

#include "postgres.h"

#include "projector/change.h"

/*
 * Write what follows from it.  False: nothing does.  Throws if it can't be written; wants a
 * transaction, and SPI to be connected.
 */
extern bool be_projection_apply(BeChange *change);

#endif							/* BE_PROJECTION_H */
