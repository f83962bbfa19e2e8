/*
 * packed_subscription.c - what a client wants of the stream, as bytes that say so.
 */
#include "common/pipe/packed_subscription.h"

#include <string.h>

#define KINDS "tapbTAPBwvWoOcn"

const struct BevNarrowingKinds bev_narrowing_kinds[BEV_NARROWINGS] = {
	[BEV_BY_TYPE] = {BEV_PACKED_SUBSCRIPTION_TYPE, BEV_PACKED_SUBSCRIPTION_TYPES},
	[BEV_BY_ACTION] = {BEV_PACKED_SUBSCRIPTION_ACTION, BEV_PACKED_SUBSCRIPTION_ACTIONS},
	[BEV_BY_PROJECT] = {BEV_PACKED_SUBSCRIPTION_PROJECT, BEV_PACKED_SUBSCRIPTION_PROJECTS},
	[BEV_BY_BUG] = {BEV_PACKED_SUBSCRIPTION_BUG, BEV_PACKED_SUBSCRIPTION_BUGS},
};

bool
bev_packed_subscription_next(BevSpan *rest, BevPackedSubscription *packed)
{
	const char *end = rest->len > 1 ? memchr(rest->data, '\0', rest->len) : NULL;

	if (end == NULL || end == rest->data || memchr(KINDS, rest->data[0], sizeof(KINDS) - 1) == NULL)
		return false;
	packed->kind = (BevPackedSubscriptionKind) rest->data[0];
	packed->value = rest->data + 1;
	rest->len -= (uint32_t) (end + 1 - rest->data);
	rest->data = end + 1;
	return true;
}

BevSpan
bev_packed_subscription_common(BevSpan *rest)
{
	BevSpan common = {rest->data, 0};
	BevSpan behind = *rest;
	BevPackedSubscription one;

	while (bev_packed_subscription_next(&behind, &one) && one.kind != BEV_PACKED_SUBSCRIPTION_OR)
		*rest = behind;
	common.len = (uint32_t) (rest->data - common.data);
	return common;
}

bool
bev_packed_subscription_alternative(BevSpan *rest, BevSpan *alternative)
{
	BevPackedSubscription one;

	if (!bev_packed_subscription_next(rest, &one) || one.kind != BEV_PACKED_SUBSCRIPTION_OR)
		return false;
	*alternative = bev_packed_subscription_common(rest);
	return true;
}

bool
bev_packed_subscription_add(char *dst, uint32_t room, uint32_t *len, BevPackedSubscriptionKind kind,
                            BevSpan value)
{
	if (*len > room || value.len + 2 > room - *len)
		return false;
	dst[*len] = (char) kind;
	memcpy(dst + *len + 1, value.data, value.len);
	dst[*len + 1 + value.len] = '\0';
	*len += value.len + 2;
	return true;
}
