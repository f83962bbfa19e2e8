/*
 * subscription.h - what a client narrowed its stream to.
 *
 * Four lists of text; an event passes a list that is empty or names it.  Ids are
 * compared as text, whether the client wrote 7 or "7".
 *
 * Pure C.
 */
#ifndef BEV_GATEWAY_STREAM_SUBSCRIPTION_H
#define BEV_GATEWAY_STREAM_SUBSCRIPTION_H

#include <stdbool.h>

#include "gateway/stream/chunk.h"
#include "common/pipe/packed_subscription.h"

typedef enum BevNarrowing
{
	BEV_BY_TYPE,
	BEV_BY_ACTION,
	BEV_BY_PROJECT,
	BEV_BY_BUG,
	BEV_NARROWINGS
} BevNarrowing;

/* The most values in one list. */
#define BEV_SUBSCRIPTION_MAX 1000

typedef struct BevSubscription BevSubscription;

/* An empty one: everything passes. */
extern BevSubscription *bev_subscription_create(void);
extern void bev_subscription_free(BevSubscription *subscription);

/* False: the list is full. */
extern bool bev_subscription_add(BevSubscription *subscription, BevNarrowing by, const char *value);

/* To be called once all is added.  True: it narrows nothing. */
extern bool bev_subscription_seal(BevSubscription *subscription);

/*
 * Append what it narrows to as bytes (common/pipe/packed_subscription.h); NULL narrows nothing.  A
 * list that has no room is told by its number of values.
 */
extern void bev_subscription_write(const BevSubscription *subscription, char *dst, uint32_t *len);

/* NULL passes everything. */
extern bool bev_subscription_passes(const BevSubscription *subscription, const BevLabels *labels);

#endif /* BEV_GATEWAY_STREAM_SUBSCRIPTION_H */
