/*
 * enabled.h - whether anything is captured: bugevents.enabled, as all sessions see
 * it at the same moment.
 */
#ifndef BE_SERVER_QUEUE_ENABLED_H
#define BE_SERVER_QUEUE_ENABLED_H

#include "postgres.h"

/* For the hooks of shared memory. */
extern void be_switch_request(void);
extern void be_switch_startup(void);

/* Is it on?  One read of shared memory. */
extern bool be_switch_is_on(void);

/* Only the dispatcher turns it. */
extern void be_switch_turn_off(void);
extern void be_switch_turn_on(void);

/*
 * Does a transaction run that may have begun while it was off?  What such a one
 * publishes may be a part of what it did.
 */
extern bool be_switch_is_settling(void);

#endif							/* BE_SERVER_QUEUE_ENABLED_H */
