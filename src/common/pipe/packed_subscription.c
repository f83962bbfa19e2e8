/*
 * packed_subscription.c - what a client wants of the stream, as bytes that say so.
 */
#include "common/pipe/packed_subscription.h"

#include <string.h>

bool
bev_packed_subscription_next(BevSpan *rest, BevPackedSubscription *packed)
{
	const char *end = rest->len > 1 ? memchr(rest->data, '\0', rest->len) : NULL;

	if (end == NULL || end == rest->data || memchr("tapbTAPBcn", rest->data[0], 10) == NULL)
		return false;
	packed->kind = (BevPackedSubscriptionKind) rest->data[0];
	packed->value = rest->data + 1;
	rest->len -= (uint32_t) (end + 1 - rest->data);
	rest->data = end + 1;
	return true;
}

bool
bev_packed_subscription_add(char *dst, uint32_t *len, BevPackedSubscriptionKind kind,
                            const char *value)
{
	size_t size = strlen(value) + 1;

	if (size + 1 > BEV_PACKED_SUBSCRIPTION_MAX - *len)
		return false;
	dst[*len] = (char) kind;
	memcpy(dst + *len + 1, value, size);
	*len += (uint32_t) size + 1;
	return true;
}

/* Of one list: which field of an event it is about, and what it is called in either form. */
typedef struct List
{
	BevEventField field;
	BevPackedSubscriptionKind one;
	BevPackedSubscriptionKind count;
} List;

static const List lists[] = {
	{BEV_EVENT_TYPE, BEV_PACKED_SUBSCRIPTION_TYPE, BEV_PACKED_SUBSCRIPTION_TYPES},
	{BEV_EVENT_ACTION, BEV_PACKED_SUBSCRIPTION_ACTION, BEV_PACKED_SUBSCRIPTION_ACTIONS},
	{BEV_EVENT_PROJECT, BEV_PACKED_SUBSCRIPTION_PROJECT, BEV_PACKED_SUBSCRIPTION_PROJECTS},
	{BEV_EVENT_BUG, BEV_PACKED_SUBSCRIPTION_BUG, BEV_PACKED_SUBSCRIPTION_BUGS},
};

static BevPackedSubscriptionAnswer
list_answer(const List *list, BevSpan packed, const BevEvent *event)
{
	BevPackedSubscriptionAnswer answer = BEV_SUBSCRIBED;
	BevPackedSubscription one;

	while (bev_packed_subscription_next(&packed, &one))
	{
		if (one.kind == list->count)
			return BEV_PERHAPS_SUBSCRIBED;
		if (one.kind != list->one)
			continue;
		if (bev_span_is(event->field[list->field], one.value))
			return BEV_SUBSCRIBED;
		answer = BEV_NOT_SUBSCRIBED;
	}
	return answer;
}

static bool
wants_nothing(BevSpan packed)
{
	BevPackedSubscription one;

	while (bev_packed_subscription_next(&packed, &one))
		if (one.kind == BEV_PACKED_SUBSCRIPTION_NOTHING)
			return true;
	return false;
}

BevPackedSubscriptionAnswer
bev_packed_subscription_in(BevSpan packed, const BevEvent *event)
{
	BevPackedSubscriptionAnswer all = wants_nothing(packed) ? BEV_NOT_SUBSCRIBED : BEV_SUBSCRIBED;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]) && all != BEV_NOT_SUBSCRIBED; i++)
	{
		BevPackedSubscriptionAnswer one = list_answer(&lists[i], packed, event);

		if (one != BEV_SUBSCRIBED)
			all = one;
	}
	return all;
}
