/*
 * subscription.h - what a client narrowed its stream to.
 *
 * Four lists of text; an event passes a list that is empty or names it.  Ids are
 * compared as text, whether the client wrote 7 or "7".
 *
 * Pure C.
 */
#ifndef BE_GATEWAY_STREAM_SUBSCRIPTION_H
#define BE_GATEWAY_STREAM_SUBSCRIPTION_H

#include <stdbool.h>

#include "gateway/stream/chunk.h"
#include "common/pipe/packed_subscription.h"

typedef enum BeNarrowing
{
	BE_BY_TYPE,
	BE_BY_ACTION,
	BE_BY_PROJECT,
	BE_BY_BUG,
	BE_NARROWINGS
} BeNarrowing;

/* The most values in one list. */
#define BE_SUBSCRIPTION_MAX		1000

typedef struct BeSubscription BeSubscription;

/* An empty one: everything passes. */
extern BeSubscription *be_subscription_create(void);
extern void be_subscription_free(BeSubscription *subscription);

/* False: the list is full. */
extern bool be_subscription_add(BeSubscription *subscription, BeNarrowing by,
								const char *value);

/* To be called once all is added.  True: it narrows nothing. */
extern bool be_subscription_seal(BeSubscription *subscription);

/*
 * Append what it narrows to as bytes (common/pipe/packed_subscription.h); NULL narrows nothing.  A list that
 * has no room is told by its number of values.
 */
extern void be_subscription_write(const BeSubscription *subscription, char *dst,
								  uint32_t *len);

/* NULL passes everything. */
extern bool be_subscription_passes(const BeSubscription *subscription,
								   const BeLabels *labels);

#endif							/* BE_GATEWAY_STREAM_SUBSCRIPTION_H */
