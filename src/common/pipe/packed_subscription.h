/*
 * packed_subscription.h - what a client wants of the stream, as bytes that say so.
 *
 *     +------+-------+--+
 *     | kind | value |0 |    any number of them; none: everything
 *     +------+-------+--+
 *
 * The gateway knows it in a form that is made for matching (subscription.h); this one is
 * for whoever wants to show it, and is bounded: of a list for which there is no room only
 * the number of its values is told.
 *
 * Pure C: shared by the server's half and the gateway.
 */
#ifndef BEV_COMMON_PIPE_PACKED_SUBSCRIPTION_H
#define BEV_COMMON_PIPE_PACKED_SUBSCRIPTION_H

#include <stdbool.h>
#include <stddef.h>

#include "common/event/event.h"

#define BEV_PACKED_SUBSCRIPTION_MAX 256 /* bytes */

typedef enum BevPackedSubscriptionKind
{
	BEV_PACKED_SUBSCRIPTION_TYPE = 't',    /* an event has to be of one of the types */
	BEV_PACKED_SUBSCRIPTION_ACTION = 'a',  /* ... actions */
	BEV_PACKED_SUBSCRIPTION_PROJECT = 'p', /* ... projects */
	BEV_PACKED_SUBSCRIPTION_BUG = 'b',     /* ... bug reports */
	BEV_PACKED_SUBSCRIPTION_TYPES = 'T',   /* so many types, which aren't told */
	BEV_PACKED_SUBSCRIPTION_ACTIONS = 'A',
	BEV_PACKED_SUBSCRIPTION_PROJECTS = 'P',
	BEV_PACKED_SUBSCRIPTION_BUGS = 'B',
	BEV_PACKED_SUBSCRIPTION_CONFLATED = 'c', /* of each row the last state, when it lags */
	BEV_PACKED_SUBSCRIPTION_NOTHING = 'n'    /* it has unsubscribed */
} BevPackedSubscriptionKind;

typedef struct BevPackedSubscription
{
	BevPackedSubscriptionKind kind;
	const char *value; /* terminated */
} BevPackedSubscription;

/*
 * The next one: advances *rest past it.  False at the end, and where the bytes are
 * none; then rest->len isn't 0.
 */
extern bool bev_packed_subscription_next(BevSpan *rest, BevPackedSubscription *packed);

/* Append one; false: there is no room, and *len is as it was. */
extern bool bev_packed_subscription_add(char *dst, uint32_t *len, BevPackedSubscriptionKind kind,
                                        const char *value);

typedef enum BevPackedSubscriptionAnswer
{
	BEV_SUBSCRIBED,
	BEV_NOT_SUBSCRIBED,
	BEV_PERHAPS_SUBSCRIBED /* a list isn't told */
} BevPackedSubscriptionAnswer;

extern BevPackedSubscriptionAnswer bev_packed_subscription_in(BevSpan packed,
                                                              const BevEvent *event);

#endif /* BEV_COMMON_PIPE_PACKED_SUBSCRIPTION_H */
