/*
 * subscription_index.h - from the values of an event to the subscriptions that may let it pass.
 *
 *		assignee_id = 7  -> those of whoever asked for that
 *		project 3        -> those whose list of projects has it
 *
 * An event finds its subscribers here without touching any other: ten thousand that wait for ten
 * thousand values cost it a lookup for each field that is asked for, and those that are found.
 *
 * Pure C.
 */
#ifndef BEV_GATEWAY_STREAM_SUBSCRIPTION_INDEX_H
#define BEV_GATEWAY_STREAM_SUBSCRIPTION_INDEX_H

#include "gateway/stream/directory.h"
#include "gateway/stream/subscription.h"

/* All zero: an empty one. */
typedef struct BevSubscriptionIndex
{
	BevDirectory values;
} BevSubscriptionIndex;

/* Where a subscription stands in it.  All zero: nowhere. */
typedef struct BevIndexEntry
{
	BevMembership *membership;
	uint32_t memberships;
} BevIndexEntry;

/*
 * Put it there, if each of its alternatives asks for certain values of something; false: not.
 * An action, or a type, is not enough: most events would find it.
 */
extern bool bev_subscription_index_join(BevSubscriptionIndex *index, BevIndexEntry *entry,
                                        const BevSubscription *subscription, void *member);

extern void bev_subscription_index_leave(BevSubscriptionIndex *index, BevIndexEntry *entry);

typedef void (*BevIndexFound)(void *owner, void *member);

/*
 * Tell of each member that may let the subject pass, some of them several times; whose facts are
 * all that are asked for.  Not for what passes whatever is asked of rows (selection.h).
 */
extern void bev_subscription_index_find(const BevSubscriptionIndex *index,
                                        const BevSubject *subject, BevIndexFound found,
                                        void *owner);

extern void bev_subscription_index_free(BevSubscriptionIndex *index);

#endif /* BEV_GATEWAY_STREAM_SUBSCRIPTION_INDEX_H */
