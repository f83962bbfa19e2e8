/*
 * asked_rows.c - which rows a subscription asks for.
 *
 * Model: a type is read by few projects, or by few bugs, where all rows that may pass have to be of
 * one of them: by the subscription, or by each of its alternatives that lets the type pass.
 * Else all of the type is read.
 */
#include "gateway/stream/asked_rows.h"
#include "common/program/memory.h"

#include <stdlib.h>
#include <string.h>

#define IDS_MAX 8 /* projects or bugs that are read each by itself */

/* ---- Types ---- */

void
bev_asked_types_add(BevAskedTypes *types, const char *type)
{
	for (uint32_t i = 0; i < types->count; i++)
		if (strcmp(types->name[i], type) == 0)
			return;
	if (types->count <= BEV_ASKED_TYPES_MAX)
		types->name[types->count++] = type;
}

/* Note those that a clause names; false: it names none. */
static bool
note_types(const BevSelection *selection, uint32_t clause, BevAskedTypes *types)
{
	BevSelectionList list;

	(void) bev_selection_list(selection, clause, BEV_BY_TYPE, &list);
	for (uint32_t n = 0; n < list.count; n++)
		bev_asked_types_add(types, list.value[n]);
	return list.count > 0;
}

/* Those that all rows have to be of, or those of all alternatives; none: any might pass. */
BevAskedTypes
bev_asked_types_of(const BevSubscription *subscription)
{
	const BevSelection *selection = subscription ? bev_subscription_selection(subscription) : NULL;
	uint32_t clauses = selection ? bev_selection_clauses(selection) : 0;
	BevAskedTypes types = {.count = 0};

	if (clauses == 0 || note_types(selection, 0, &types))
		return types;
	for (uint32_t clause = 1; clause < clauses; clause++)
		if (!note_types(selection, clause, &types))
			return (BevAskedTypes){.count = 0};
	return types;
}

/* ---- Ranges ---- */

typedef struct Ids
{
	const char *id[IDS_MAX];
	uint32_t count;
} Ids;

/* False: there are too many. */
static bool
add_id(Ids *ids, const char *id)
{
	for (uint32_t i = 0; i < ids->count; i++)
		if (strcmp(ids->id[i], id) == 0)
			return true;
	if (ids->count == IDS_MAX)
		return false;
	ids->id[ids->count++] = id;
	return true;
}

/* Those that a clause names; false: none, or too many. */
static bool
add_ids(const BevSelection *selection, uint32_t clause, BevNarrowing by, Ids *ids)
{
	BevSelectionList list;

	(void) bev_selection_list(selection, clause, by, &list);
	for (uint32_t n = 0; n < list.count; n++)
		if (!add_id(ids, list.value[n]))
			return false;
	return list.count > 0;
}

static bool
lets_pass(const BevSelection *selection, uint32_t clause, const char *type)
{
	BevSelectionList list;

	(void) bev_selection_list(selection, clause, BEV_BY_TYPE, &list);
	for (uint32_t n = 0; n < list.count; n++)
		if (strcmp(list.value[n], type) == 0)
			return true;
	return list.count == 0;
}

/* What each row of the type has to be of; false: it might be of any, or of too many. */
static bool
find_ids(const BevSelection *selection, const char *type, BevNarrowing by, Ids *ids)
{
	uint32_t clauses = bev_selection_clauses(selection);

	*ids = (Ids){.count = 0};
	if (clauses > 0 && add_ids(selection, 0, by, ids))
		return true;
	*ids = (Ids){.count = 0};
	for (uint32_t clause = 1; clause < clauses; clause++)
		if (lets_pass(selection, clause, type) && !add_ids(selection, clause, by, ids))
			return false;
	return ids->count > 0;
}

static void
add_range(BevAskedRanges *ranges, const char *type, BevRowScope scope, const char *id)
{
	BevRowRange range = {.type = (char *) type, .scope = scope, .id = (char *) id};

	ranges->range = bev_realloc(ranges->range, sizeof(BevRowRange) * (ranges->count + 1));
	ranges->range[ranges->count++] = bev_row_range_copy(&range);
}

static void
add_ranges(BevAskedRanges *ranges, const BevSelection *selection, const char *type)
{
	static const struct
	{
		BevNarrowing by;
		BevRowScope scope;
	} narrowings[] = {{BEV_BY_PROJECT, BEV_ROWS_OF_PROJECT}, {BEV_BY_BUG, BEV_ROWS_OF_BUG}};
	Ids ids;

	for (int i = 0; selection && i < 2; i++)
	{
		if (!find_ids(selection, type, narrowings[i].by, &ids))
			continue;
		for (uint32_t n = 0; n < ids.count; n++)
			add_range(ranges, type, narrowings[i].scope, ids.id[n]);
		return;
	}
	add_range(ranges, type, BEV_ROWS_ALL, NULL);
}

BevAskedRanges
bev_asked_ranges_of(const BevSubscription *subscription, const BevAskedTypes *types)
{
	const BevSelection *selection = subscription ? bev_subscription_selection(subscription) : NULL;
	BevAskedRanges ranges = {.count = 0};

	for (uint32_t i = 0; i < types->count; i++)
		add_ranges(&ranges, selection, types->name[i]);
	return ranges;
}

void
bev_asked_ranges_free(BevAskedRanges *ranges)
{
	for (uint32_t i = 0; i < ranges->count; i++)
		bev_row_range_free(&ranges->range[i]);
	free(ranges->range);
}
