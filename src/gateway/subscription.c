/*
 * subscription.c - what a client narrowed its stream to.
 *
 * Model: sorted lists and binary search; an event is looked up in each list that
 * is not empty.  An event without a project (or bug) passes no list of projects
 * (or bugs).
 */
#include "subscription.h"
#include "memory.h"

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
