/*
 * subscription_index.c - from the values of an event to the subscriptions that may let it pass.
 *
 * Model: of each alternative one list is chosen, whose values are names in a directory:
 * "field\1form" of a condition, "\2id" of a project, "\3id" of a bug.  Chosen is the one whose
 * values have the fewest members now, its own included; so of "open, assigned to me" it is
 * "assigned to me", once others ask for what is open.  Of lists that have to hold for all, one that
 * is better than an alternative's own stands for it.
 *
 * Memory: an entry for each value of the chosen lists.
 */
#include "gateway/stream/subscription_index.h"
#include "common/program/memory.h"

#include <stdlib.h>
#include <string.h>

#define NAME_ROOM (BEV_FACT_NAME_MAX + 2 + BEV_SCALAR_ROOM)

#define SIGN_FIELD   '\1'
#define SIGN_PROJECT '\2'
#define SIGN_BUG     '\3'

/* The name of a value; empty: it is none that an event could have. */
static BevSpan
write_name(char dst[NAME_ROOM], BevSpan field, char sign, BevSpan value)
{
	if (field.len + 1 + value.len >= NAME_ROOM || value.len == 0)
		return (BevSpan){dst, 0};
	memcpy(dst, field.data, field.len);
	dst[field.len] = sign;
	memcpy(dst + field.len + 1, value.data, value.len);
	dst[field.len + 1 + value.len] = '\0';
	return (BevSpan){dst, field.len + 1 + value.len};
}

static BevSpan
span_of(const char *text)
{
	return (BevSpan){text, (uint32_t) strlen(text)};
}

/* ---- joining ---- */

/* A list that could be chosen. */
typedef struct Choice
{
	BevSelectionList list;
	char sign;
	uint64_t cost; /* UINT64_MAX: there is none */
} Choice;

static BevSpan
name_of(const Choice *choice, uint32_t i, char dst[NAME_ROOM])
{
	BevSpan field = choice->list.field ? span_of(choice->list.field) : (BevSpan){"", 0};

	return write_name(dst, field, choice->sign, span_of(choice->list.value[i]));
}

static uint64_t
cost_of(const BevSubscriptionIndex *index, const Choice *choice)
{
	uint64_t cost = choice->list.count;

	for (uint32_t i = 0; i < choice->list.count; i++)
	{
		char name[NAME_ROOM];
		const BevGroup *group = bev_directory_find(&index->values, name_of(choice, i, name));

		cost += group ? group->count : 0;
	}
	return cost;
}

static char
sign_of(uint32_t which)
{
	return which == BEV_BY_BUG ? SIGN_BUG : which == BEV_BY_PROJECT ? SIGN_PROJECT : SIGN_FIELD;
}

static Choice
choose(const BevSubscriptionIndex *index, const BevSelection *selection, uint32_t clause)
{
	Choice best = {.cost = UINT64_MAX};
	BevSelectionList list;

	for (uint32_t which = BEV_BY_PROJECT; bev_selection_list(selection, clause, which, &list);
	     which++)
	{
		Choice choice = {list, sign_of(which), 0};

		if (list.count == 0)
			continue;
		choice.cost = cost_of(index, &choice);
		if (choice.cost < best.cost)
			best = choice;
	}
	return best;
}

static void
join(BevSubscriptionIndex *index, BevIndexEntry *entry, const Choice *choice, void *member)
{
	for (uint32_t i = 0; i < choice->list.count; i++)
	{
		char name[NAME_ROOM];

		if (name_of(choice, i, name).len > 0)
			bev_directory_join(&index->values, name, &entry->membership[entry->memberships++],
			                   member, BEV_WALKED);
	}
}

bool
bev_subscription_index_join(BevSubscriptionIndex *index, BevIndexEntry *entry,
                            const BevSubscription *subscription, void *member)
{
	const BevSelection *selection = bev_subscription_selection(subscription);
	uint32_t clauses = bev_selection_clauses(selection);
	Choice common = choose(index, selection, 0);
	Choice chosen[1 + BEV_SUBSCRIPTION_ALTERNATIVES_MAX] = {common};
	uint32_t first = clauses > 1 ? 1 : 0;
	uint32_t values = 0;

	for (uint32_t i = first; i < clauses; i++)
	{
		chosen[i] = i == 0 ? common : choose(index, selection, i);
		if (chosen[i].cost > common.cost)
			chosen[i] = common;
		if (chosen[i].cost == UINT64_MAX)
			return false;
		values += chosen[i].list.count;
	}
	entry->membership = bev_alloc(sizeof(BevMembership) * values);
	for (uint32_t i = first; i < clauses; i++)
		join(index, entry, &chosen[i], member);
	return true;
}

void
bev_subscription_index_leave(BevSubscriptionIndex *index, BevIndexEntry *entry)
{
	for (uint32_t i = 0; i < entry->memberships; i++)
		bev_directory_leave(&index->values, &entry->membership[i]);
	free(entry->membership);
	*entry = (BevIndexEntry){0};
}

/* ---- finding ---- */

/* Whom to tell, and what of. */
typedef struct Search
{
	const BevSubscriptionIndex *index;
	BevIndexFound found;
	void *owner;
} Search;

static void
look_up(const Search *search, BevSpan field, char sign, BevSpan value)
{
	char name[NAME_ROOM];
	const BevGroup *group =
		bev_directory_find(&search->index->values, write_name(name, field, sign, value));
	BevMembership *one;

	if (group == NULL)
		return;
	LIST_FOREACH (one, &group->members[BEV_WALKED], entry)
		search->found(search->owner, one->member);
}

void
bev_subscription_index_find(const BevSubscriptionIndex *index, const BevSubject *subject,
                            BevIndexFound found, void *owner)
{
	const Search search = {index, found, owner};
	const BevSpan none = {"", 0};
	BevSpan facts = subject->facts;
	BevFact fact;

	look_up(&search, none, SIGN_PROJECT, subject->project);
	look_up(&search, none, SIGN_BUG, subject->bug);
	while (bev_fact_next(&facts, &fact))
	{
		look_up(&search, fact.name, SIGN_FIELD, fact.value);
		if (!fact.changed)
			continue;
		look_up(&search, fact.name, SIGN_FIELD, fact.old);
		if (bev_span_is(fact.name, BEV_FACT_PROJECT))
			look_up(&search, none, SIGN_PROJECT, bev_scalar_text(fact.old));
		else if (bev_span_is(fact.name, BEV_FACT_BUG))
			look_up(&search, none, SIGN_BUG, bev_scalar_text(fact.old));
	}
}

void
bev_subscription_index_free(BevSubscriptionIndex *index)
{
	bev_directory_free(&index->values);
}
