/*
 * subscription.c - what a client narrowed its stream to.
 *
 * Model: the packed form is written first, whole; the one for matching is made of it.
 *
 * Memory: BEV_PACKED_SUBSCRIPTION_MAX bytes at the most, and up to eight times as many for
 * matching.
 */
#include "gateway/stream/subscription.h"
#include "common/program/memory.h"
#include "common/program/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct BevSubscription
{
	BevText packed;
	uint32_t values[BEV_NARROWINGS]; /* of the lists of this clause */
	uint32_t conditions;             /* likewise */
	uint32_t condition_values;
	uint32_t alternatives;
	BevSelection *selection;
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
	bev_text_free(&subscription->packed);
	free(subscription->selection);
	free(subscription);
}

/* ---- putting it together ---- */

static BevSpan
span_of(const char *text)
{
	return (BevSpan){text, (uint32_t) strlen(text)};
}

static bool
add(BevSubscription *subscription, BevPackedSubscriptionKind kind, BevSpan value)
{
	BevText *packed = &subscription->packed;
	uint32_t len = (uint32_t) packed->len;

	bev_text_reserve(packed, value.len + 2);
	if (!bev_packed_subscription_add(packed->data, BEV_PACKED_SUBSCRIPTION_MAX, &len, kind, value))
		return false;
	packed->len = len;
	return true;
}

bool
bev_subscription_add(BevSubscription *subscription, BevNarrowing by, const char *value)
{
	return subscription->values[by]++ < BEV_SUBSCRIPTION_VALUES_MAX &&
	       add(subscription, bev_narrowing_kinds[by].one, span_of(value));
}

bool
bev_subscription_where(BevSubscription *subscription, const char *field)
{
	subscription->condition_values = 0;
	return subscription->conditions++ < BEV_SUBSCRIPTION_CONDITIONS_MAX &&
	       add(subscription, BEV_PACKED_SUBSCRIPTION_WHERE, span_of(field));
}

bool
bev_subscription_value(BevSubscription *subscription, BevSpan form)
{
	return subscription->condition_values++ < BEV_SUBSCRIPTION_VALUES_MAX &&
	       add(subscription, BEV_PACKED_SUBSCRIPTION_VALUE, form);
}

bool
bev_subscription_or(BevSubscription *subscription)
{
	memset(subscription->values, 0, sizeof(subscription->values));
	subscription->conditions = 0;
	return subscription->alternatives++ < BEV_SUBSCRIPTION_ALTERNATIVES_MAX &&
	       add(subscription, BEV_PACKED_SUBSCRIPTION_OR, span_of(""));
}

bool
bev_subscription_seal(BevSubscription *subscription)
{
	BevSpan packed = {subscription->packed.data, (uint32_t) subscription->packed.len};

	subscription->selection = bev_selection_make(packed, bev_alloc(bev_selection_size(packed)));
	return packed.len == 0;
}

const BevSelection *
bev_subscription_selection(const BevSubscription *subscription)
{
	return subscription->selection;
}

/* ---- telling it ---- */

/* Room that a count needs; each that may come behind a list has it. */
#define COUNT_ROOM 8

/* What is copied, as far as there is room. */
typedef struct Told
{
	char *dst;
	uint32_t *len;
	uint32_t room; /* for what is copied whole */
} Told;

static void
write_count(const Told *told, BevPackedSubscriptionKind kind, uint32_t count)
{
	char number[16];

	snprintf(number, sizeof(number), "%u", count);
	(void) bev_packed_subscription_add(told->dst, BEV_PACKED_SUBSCRIPTION_TOLD, told->len, kind,
	                                   span_of(number));
}

/* Copy what is of these kinds; all of it, or how many there are of the first of them. */
static void
write_kinds(const Told *told, BevSpan packed, const char *which, BevPackedSubscriptionKind counts)
{
	uint32_t before = *told->len;
	uint32_t count = 0;
	bool fits = true;
	BevPackedSubscription one;

	while (bev_packed_subscription_next(&packed, &one))
	{
		if (strchr(which, one.kind) == NULL)
			continue;
		count += one.kind == (BevPackedSubscriptionKind) which[0];
		fits = fits && bev_packed_subscription_add(told->dst, told->room, told->len, one.kind,
		                                           span_of(one.value));
	}
	if (fits)
		return;
	*told->len = before;
	write_count(told, counts, count);
}

/* A list that has to hold for all, sorted: so that the same in another order is told once. */
static void
write_list(const Told *told, const BevSelection *selection, BevNarrowing by)
{
	uint32_t before = *told->len;
	BevSelectionList list;

	(void) bev_selection_list(selection, 0, by, &list);
	for (uint32_t i = 0; i < list.count; i++)
		if (!bev_packed_subscription_add(told->dst, told->room, told->len,
		                                 bev_narrowing_kinds[by].one, span_of(list.value[i])))
		{
			*told->len = before;
			write_count(told, bev_narrowing_kinds[by].count, list.count);
			return;
		}
}

void
bev_subscription_write(const BevSubscription *subscription, char *dst, uint32_t *len)
{
	const uint32_t parts = BEV_NARROWINGS + 1; /* the conditions, too */
	BevSpan rest;
	BevSpan common;
	Told told = {dst, len, 0};

	if (subscription == NULL)
		return;
	rest = (BevSpan){subscription->packed.data, (uint32_t) subscription->packed.len};
	common = bev_packed_subscription_common(&rest);
	for (uint32_t by = 0; by < BEV_NARROWINGS; by++)
	{
		told.room = BEV_PACKED_SUBSCRIPTION_TOLD - (parts - by) * COUNT_ROOM;
		write_list(&told, subscription->selection, by);
	}
	told.room = BEV_PACKED_SUBSCRIPTION_TOLD - COUNT_ROOM;
	write_kinds(&told, common, "wv", BEV_PACKED_SUBSCRIPTION_WHERES);
	told.room = BEV_PACKED_SUBSCRIPTION_TOLD;
	write_kinds(&told, rest, "otapbwv", BEV_PACKED_SUBSCRIPTION_ORS);
}

/* ---- what passes ---- */

bool
bev_subscription_passes(const BevSubscription *subscription, const BevSubject *subject)
{
	return subscription == NULL ||
	       bev_selection_judge(subscription->selection, subject) == BEV_SUBSCRIBED;
}

bool
bev_subscription_passes_event(const BevSubscription *subscription, const BevEvent *event,
                              bool for_admin, bool is_row)
{
	BevSubject subject;
	char *facts;
	bool passes;

	if (subscription == NULL)
		return true;
	facts = bev_alloc(bev_selection_facts_room(subscription->selection));
	bev_selection_subject(subscription->selection, event, for_admin, is_row, facts, &subject);
	passes = bev_subscription_passes(subscription, &subject);
	free(facts);
	return passes;
}
