/*
 * enabled.h - whether anything is captured: bugevents.enabled, as all sessions see
 * it at the same moment.
 */
#ifndef BEV_SERVER_QUEUE_ENABLED_H
#define BEV_SERVER_QUEUE_ENABLED_H

#include "postgres.h"

#include "server/base/shared_area.h"

extern const BevSharedArea bev_enabled_area;

/* Is it on?  One read of shared memory. */
extern bool bev_enabled_is_on(void);

/* Only the dispatcher turns it. */
extern void bev_enabled_turn_off(void);
extern void bev_enabled_turn_on(void);

/*
 * Does a transaction run that may have begun while it was off?  What such a one
 * publishes may be a part of what it did.
 */
extern bool bev_enabled_is_settling(void);

#endif /* BEV_SERVER_QUEUE_ENABLED_H */
