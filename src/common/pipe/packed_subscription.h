/*
 * packed_subscription.h - what a client wants of the stream, as bytes that say so.
 *
 *     +------+-------+--+
 *     | kind | value |0 |    any number of them; none: everything
 *     +------+-------+--+
 *
 * What stands first has to hold for every event.  Where alternatives follow, each begun by its
 * kind, one of them has to hold as well.  A condition is its field, then its values (scalar.h).
 *
 * selection.h is its form for matching.  The dispatcher is told one that is bounded: of a list
 * for which there is no room only the number of its values, of conditions and alternatives theirs.
 *
 * Pure C: shared by the server's half and the gateway.
 */
#ifndef BEV_COMMON_PIPE_PACKED_SUBSCRIPTION_H
#define BEV_COMMON_PIPE_PACKED_SUBSCRIPTION_H

#include <stdbool.h>
#include <stddef.h>

#include "common/event/event.h"

/* Bytes of what a client may ask for; and of what the dispatcher is told of it. */
#define BEV_PACKED_SUBSCRIPTION_MAX  (64 * 1024)
#define BEV_PACKED_SUBSCRIPTION_TOLD 256

/* In one list or condition; in one filter; beside what has to hold for every event. */
#define BEV_SUBSCRIPTION_VALUES_MAX       1000
#define BEV_SUBSCRIPTION_CONDITIONS_MAX   16
#define BEV_SUBSCRIPTION_ALTERNATIVES_MAX 32

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
	BEV_PACKED_SUBSCRIPTION_WHERE = 'w',     /* a condition: a field of the payload has to be ... */
	BEV_PACKED_SUBSCRIPTION_VALUE = 'v',     /* ... one of these */
	BEV_PACKED_SUBSCRIPTION_WHERES = 'W',    /* so many conditions, which aren't told */
	BEV_PACKED_SUBSCRIPTION_OR = 'o',        /* an alternative begins */
	BEV_PACKED_SUBSCRIPTION_ORS = 'O',       /* so many alternatives, which aren't told */
	BEV_PACKED_SUBSCRIPTION_CONFLATED = 'c', /* of each row the last state, when it lags */
	BEV_PACKED_SUBSCRIPTION_NOTHING = 'n'    /* it has unsubscribed */
} BevPackedSubscriptionKind;

/* The lists, and what each is called in either form. */
typedef enum BevNarrowing
{
	BEV_BY_TYPE,
	BEV_BY_ACTION,
	BEV_BY_PROJECT,
	BEV_BY_BUG,
	BEV_NARROWINGS
} BevNarrowing;

extern const struct BevNarrowingKinds
{
	BevPackedSubscriptionKind one;
	BevPackedSubscriptionKind count;
} bev_narrowing_kinds[BEV_NARROWINGS];

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

/* What has to hold for all: up to the first alternative, at which *rest begins then. */
extern BevSpan bev_packed_subscription_common(BevSpan *rest);

/* The next alternative; *rest moves past it.  False: there is none any more. */
extern bool bev_packed_subscription_alternative(BevSpan *rest, BevSpan *alternative);

/* Append one, up to room bytes in all; false: there is no room, and *len is as it was. */
extern bool bev_packed_subscription_add(char *dst, uint32_t room, uint32_t *len,
                                        BevPackedSubscriptionKind kind, BevSpan value);

#endif /* BEV_COMMON_PIPE_PACKED_SUBSCRIPTION_H */
