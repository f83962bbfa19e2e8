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
	char	  **value;
	uint32_t	count;
} List;

struct BeSubscription
{
	List		list[BE_NARROWINGS];
};

BeSubscription *
be_subscription_create(void)
{
	return be_alloc(sizeof(BeSubscription));
}

void
be_subscription_free(BeSubscription *subscription)
{
	if (subscription == NULL)
		return;
	for (int by = 0; by < BE_NARROWINGS; by++)
	{
		List	   *list = &subscription->list[by];

		for (uint32_t i = 0; i < list->count; i++)
			free(list->value[i]);
		free(list->value);
	}
	free(subscription);
}

bool
be_subscription_add(BeSubscription *subscription, BeNarrowing by,
					const char *value)
{
	List	   *list = &subscription->list[by];

	if (list->count >= BE_SUBSCRIPTION_MAX)
		return false;
	list->value = be_realloc(list->value, sizeof(char *) * (list->count + 1));
	list->value[list->count++] = be_copy_text(value, strlen(value));
	return true;
}

static int
compare_values(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

bool
be_subscription_seal(BeSubscription *subscription)
{
	bool		empty = true;

	for (int by = 0; by < BE_NARROWINGS; by++)
	{
		List	   *list = &subscription->list[by];

		if (list->count == 0)
			continue;
		qsort(list->value, list->count, sizeof(char *), compare_values);
		empty = false;
	}
	return empty;
}

/* Room that the counts of the lists behind it need. */
#define COUNT_ROOM		8

static void
write_list(const List *list, BeInterestKind one, BeInterestKind count, uint32_t spare,
		   char *dst, uint32_t *len)
{
	uint32_t	before = *len;
	char		number[16];
	uint32_t	i = 0;

	while (i < list->count && be_interest_add(dst, len, one, list->value[i]) &&
		   *len + spare <= BE_INTEREST_MAX)
		i++;
	if (i == list->count)
		return;
	*len = before;
	snprintf(number, sizeof(number), "%u", list->count);
	(void) be_interest_add(dst, len, count, number);
}

void
be_subscription_write(const BeSubscription *subscription, char *dst, uint32_t *len)
{
	static const struct
	{
		BeInterestKind one;
		BeInterestKind count;
	}			kinds[BE_NARROWINGS] = {
		[BE_BY_TYPE] = {BE_INTEREST_TYPE, BE_INTEREST_TYPES},
		[BE_BY_ACTION] = {BE_INTEREST_ACTION, BE_INTEREST_ACTIONS},
		[BE_BY_PROJECT] = {BE_INTEREST_PROJECT, BE_INTEREST_PROJECTS},
		[BE_BY_BUG] = {BE_INTEREST_BUG, BE_INTEREST_BUGS},
	};

	for (int by = 0; subscription && by < BE_NARROWINGS; by++)
		write_list(&subscription->list[by], kinds[by].one, kinds[by].count,
				   (BE_NARROWINGS - by) * COUNT_ROOM, dst, len);
}

static bool
list_passes(const List *list, const char *value)
{
	return list->count == 0 ||
		bsearch(&value, list->value, list->count, sizeof(char *),
				compare_values) != NULL;
}

bool
be_subscription_passes(const BeSubscription *subscription, const BeLabels *labels)
{
	if (subscription == NULL)
		return true;
	return list_passes(&subscription->list[BE_BY_TYPE], labels->type) &&
		list_passes(&subscription->list[BE_BY_ACTION], labels->action) &&
		list_passes(&subscription->list[BE_BY_PROJECT], labels->project) &&
		list_passes(&subscription->list[BE_BY_BUG], labels->bug);
}
