/*
 * subscription.h - what a client narrowed its stream to.
 *
 * It is put together piece by piece: lists, conditions, then alternatives that have such of their
 * own (common/pipe/selection.h says what passes).  Once sealed it doesn't change.  Ids are compared
 * as text, whether the client wrote 7 or "7".
 *
 * Pure C.
 */
#ifndef BEV_GATEWAY_STREAM_SUBSCRIPTION_H
#define BEV_GATEWAY_STREAM_SUBSCRIPTION_H

#include <stdbool.h>

#include "common/pipe/selection.h"

typedef struct BevSubscription BevSubscription;

/* An empty one: everything passes. */
extern BevSubscription *bev_subscription_create(void);
extern void bev_subscription_free(BevSubscription *subscription);

/*
 * Add a value to a list; a condition on a field; a value to the condition, in the form of scalar.h.
 * From bev_subscription_or on, they are of a new alternative.  False: it is full.
 */
extern bool bev_subscription_add(BevSubscription *subscription, BevNarrowing by, const char *value);
extern bool bev_subscription_where(BevSubscription *subscription, const char *field);
extern bool bev_subscription_value(BevSubscription *subscription, BevSpan form);
extern bool bev_subscription_or(BevSubscription *subscription);

/* To be called once all is added, before anything below.  True: it narrows nothing. */
extern bool bev_subscription_seal(BevSubscription *subscription);

/* Its form for matching. */
extern const BevSelection *bev_subscription_selection(const BevSubscription *subscription);

/*
 * Append what it narrows to as bytes that have room in BEV_PACKED_SUBSCRIPTION_TOLD
 * (common/pipe/packed_subscription.h); NULL narrows nothing.  What has no room is told by its
 * number.
 */
extern void bev_subscription_write(const BevSubscription *subscription, char *dst, uint32_t *len);

/* NULL passes everything. */
extern bool bev_subscription_passes(const BevSubscription *subscription, const BevSubject *subject);

/*
 * The same of an event, or of a row that came as one (is_row: no list of actions concerns it), by
 * what an admin, or others, get of it.
 */
extern bool bev_subscription_passes_event(const BevSubscription *subscription,
                                          const BevEvent *event, bool for_admin, bool is_row);

#endif /* BEV_GATEWAY_STREAM_SUBSCRIPTION_H */
