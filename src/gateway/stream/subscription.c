/*
 * subscription.c - what a client narrowed its stream to.
 *
 * Model: sorted lists and binary search; an event is looked up in each list that
 * is not empty.  An event without a project (or bug) passes no list of projects
 * (or bugs).
 */
#include "gateway/stream/subscription.h"
#include "common/program/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct List
{
	char **value;
	uint32_t count;
} List;

struct BevSubscription
{
	List list[BEV_NARROWINGS];
};

BevSubscription *
bev_subscription_create(void)
{
	return bev_alloc(sizeof(BevSubscription));
}

void
bev_subscription_free(BevSubscription *subscription)
{
	if (subscription == NULL)
		return;
	for (int by = 0; by < BEV_NARROWINGS; by++)
	{
		List *list = &subscription->list[by];

		for (uint32_t i = 0; i < list->count; i++)
			free(list->value[i]);
		free(list->value);
	}
	free(subscription);
}

bool
bev_subscription_add(BevSubscription *subscription, BevNarrowing by, const char *value)
{
	List *list = &subscription->list[by];

	if (list->count >= BEV_SUBSCRIPTION_MAX)
		return false;
	list->value = bev_realloc(list->value, sizeof(char *) * (list->count + 1));
	list->value[list->count++] = bev_copy_text(value, strlen(value));
	return true;
}

static int
compare_values(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

bool
bev_subscription_seal(BevSubscription *subscription)
{
	bool empty = true;

	for (int by = 0; by < BEV_NARROWINGS; by++)
	{
		List *list = &subscription->list[by];

		if (list->count == 0)
			continue;
		qsort(list->value, list->count, sizeof(char *), compare_values);
		empty = false;
	}
	return empty;
}

/* Room that the counts of the lists behind it need. */
#define COUNT_ROOM 8

static void
write_list(const List *list, BevPackedSubscriptionKind one, BevPackedSubscriptionKind count,
           uint32_t spare, char *dst, uint32_t *len)
{
	uint32_t before = *len;
	char number[16];
	uint32_t i = 0;

	while (i < list->count && bev_packed_subscription_add(dst, len, one, list->value[i]) &&
	       *len + spare <= BEV_PACKED_SUBSCRIPTION_MAX)
		i++;
	if (i == list->count)
		return;
	*len = before;
	snprintf(number, sizeof(number), "%u", list->count);
	(void) bev_packed_subscription_add(dst, len, count, number);
}

void
bev_subscription_write(const BevSubscription *subscription, char *dst, uint32_t *len)
{
	static const struct
	{
		BevPackedSubscriptionKind one;
		BevPackedSubscriptionKind count;
	} kinds[BEV_NARROWINGS] = {
		[BEV_BY_TYPE] = {BEV_PACKED_SUBSCRIPTION_TYPE, BEV_PACKED_SUBSCRIPTION_TYPES},
		[BEV_BY_ACTION] = {BEV_PACKED_SUBSCRIPTION_ACTION, BEV_PACKED_SUBSCRIPTION_ACTIONS},
		[BEV_BY_PROJECT] = {BEV_PACKED_SUBSCRIPTION_PROJECT, BEV_PACKED_SUBSCRIPTION_PROJECTS},
		[BEV_BY_BUG] = {BEV_PACKED_SUBSCRIPTION_BUG, BEV_PACKED_SUBSCRIPTION_BUGS},
	};

	for (int by = 0; subscription && by < BEV_NARROWINGS; by++)
		write_list(&subscription->list[by], kinds[by].one, kinds[by].count,
		           (BEV_NARROWINGS - by) * COUNT_ROOM, dst, len);
}

static bool
list_passes(const List *list, const char *value)
{
	return list->count == 0 ||
	       bsearch(&value, list->value, list->count, sizeof(char *), compare_values) != NULL;
}

bool
bev_subscription_passes(const BevSubscription *subscription, const BevLabels *labels)
{
	if (subscription == NULL)
		return true;
	return list_passes(&subscription->list[BEV_BY_TYPE], labels->type) &&
	       list_passes(&subscription->list[BEV_BY_ACTION], labels->action) &&
	       list_passes(&subscription->list[BEV_BY_PROJECT], labels->project) &&
	       list_passes(&subscription->list[BEV_BY_BUG], labels->bug);
}
