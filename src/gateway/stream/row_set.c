/*
 * row_set.c - rows of one type as they are at the stream's tip, kept current by it.
 *
 * Model
 *	The table is read while others write, in many answers, each by a snapshot of its own; no
 *	snapshot has a seq, since transactions become visible in another order than they take seqs.
 *	But every change of a row is an event with the whole row, and the set is given all
 *	events from before the first answer was read.  So of each row:
 *
 *	-	no event came since loading began: it is what the answer says, whenever that was read;
 *	-	events came: the last one that reaches somebody says what he sees, whether the answer
 *		has that change already, or is of before; where none reached him, nothing changed for him.
 *
 *	That is: what was read goes behind what came by the stream (row_version.h), and rows that an
 *	event ended are remembered, until all is loaded, lest an answer brings them back.  An
 *	answer comes behind all events that it is based on, so the set is never ahead of the stream.
 *
 *	Where the rows are too many for memory, what was read is kept elsewhere, as the set's base, and
 *	the set has what events said from then on.  Whoever reads it takes what is in the base
 *	only where no event had news for him.
 *
 *	Events that say nothing of single rows (truncated, reload, attached, detached) spoil a
 *	set.  So does a new user: by default the event is for admins, and the row for its user, too.
 *
 * Memory
 *	Rows of the range, and while it loads, those that events brought from elsewhere; with a base,
 *	those that changed since it was read.
 *	A snapshot holds versions, and is shared until the set changes.
 *
 * Cost
 *	An event: a look into the hash table of each set of its type, and one copy of its payload.
 *	A snapshot: a pointer for each row; with a base, a key, too.
 */
#include "gateway/stream/row_set.h"
#include "common/event/access.h"
#include "common/program/memory.h"

#include <stdlib.h>
#include <string.h>

typedef struct Row
{
	BevNamed named;
	BevRowVersion *version;
	bool whole; /* what is read of the table adds nothing */
} Row;

/* A row in a snapshot with a base. */
typedef struct Changed
{
	BevNamed named;
	const BevRowVersion *version;
	bool whole;
} Changed;

/* ---- Ranges ---- */

BevRowRange
bev_row_range_copy(const BevRowRange *range)
{
	return (BevRowRange){
		.type = bev_copy_text(range->type, strlen(range->type)),
		.scope = range->scope,
		.id = range->id ? bev_copy_text(range->id, strlen(range->id)) : NULL,
	};
}

void
bev_row_range_free(BevRowRange *range)
{
	free(range->type);
	free(range->id);
}

bool
bev_row_range_is(const BevRowRange *range, const BevRowRange *other)
{
	return range->scope == other->scope && strcmp(range->type, other->type) == 0 &&
	       (range->scope == BEV_ROWS_ALL || strcmp(range->id, other->id) == 0);
}

bool
bev_row_range_has(const BevRowRange *range, const char *project, const char *bug)
{
	return range->scope == BEV_ROWS_ALL ||
	       strcmp(range->scope == BEV_ROWS_OF_PROJECT ? project : bug, range->id) == 0;
}

/* ---- What an event says ---- */

typedef enum Effect
{
	NOTHING,
	IS_THERE,
	IS_HIDDEN, /* from those whom it is for */
	IS_GONE,
	IS_UNKNOWN /* what is in the table */
} Effect;

static Effect
effect_of(const BevEvent *event)
{
	static const struct
	{
		const char *action;
		Effect effect;
	} effects[] = {
		{"created", IS_THERE},  {"updated", IS_THERE},    {"status_changed", IS_THERE},
		{"assigned", IS_THERE}, {"unassigned", IS_THERE}, {"moved_out", IS_HIDDEN},
		{"deleted", IS_GONE},
	};
	BevSpan action = event->field[BEV_EVENT_ACTION];

	if (bev_access_is_foreign(event->field[BEV_EVENT_ACCESS]))
		return NOTHING;
	if (event->field[BEV_EVENT_KEY].len == 0)
		return IS_UNKNOWN;
	if (bev_span_is(event->field[BEV_EVENT_TYPE], "user") && bev_span_is(action, "created"))
		return IS_UNKNOWN;
	for (size_t i = 0; i < sizeof(effects) / sizeof(effects[0]); i++)
		if (bev_span_is(action, effects[i].action))
			return effects[i].effect;
	return NOTHING;
}

static bool
has(const BevRowRange *range, const BevEvent *event)
{
	return range->scope == BEV_ROWS_ALL ||
	       bev_span_is(event->field[range->scope == BEV_ROWS_OF_PROJECT ? BEV_EVENT_PROJECT :
	                                                                      BEV_EVENT_BUG],
	                   range->id);
}

/* ---- Rows ---- */

static size_t
size_of(const Row *row)
{
	return sizeof(*row) + row->named.name_len;
}

static Row *
find(const BevRowSet *set, BevSpan key)
{
	return bev_name_table_find(&set->rows, sizeof(Row), key);
}

static Row *
add(BevRowSet *set, BevSpan key)
{
	Row *row = bev_name_table_add(&set->rows, sizeof(Row), key);

	if (row->version)
		return row;
	row->version = bev_row_version_create(set->bytes);
	*set->bytes += size_of(row);
	return row;
}

static void
remove_row(BevRowSet *set, Row *row)
{
	bev_row_version_release(row->version, set->bytes);
	*set->bytes -= size_of(row);
	bev_name_table_remove(&set->rows, &row->named);
}

/* Is a row that isn't in it not there? */
static bool
has_all(const BevRowSet *set)
{
	return set->complete && set->base == NULL;
}

/* What ended: it stays known as such while somebody may bring it back. */
static void
bury(BevRowSet *set, Row *row)
{
	if (has_all(set))
	{
		remove_row(set, row);
		return;
	}
	bev_row_version_release(row->version, set->bytes);
	row->version = bev_row_version_create(set->bytes);
	row->whole = true;
}

static bool
is_in_range(const BevRowSet *set, const BevRowVersion *version)
{
	for (uint32_t i = 0; i < version->count; i++)
		if (!version->face[i]->gone &&
		    bev_row_range_has(&set->range, version->face[i]->project, version->face[i]->bug))
			return true;
	return false;
}

static void
walk(const BevRowSet *set, void (*visit)(BevRowSet *set, Row *row))
{
	for (uint32_t i = 0; i < set->rows.buckets; i++)
		for (BevNamed *named = set->rows.bucket[i], *next; named; named = next)
		{
			next = named->next;
			visit((BevRowSet *) set, (Row *) named);
		}
}

/* ---- Snapshots ---- */

void
bev_row_snapshot_release(BevRowSnapshot *snapshot, size_t *bytes)
{
	if (--snapshot->refs > 0)
		return;
	for (uint32_t i = 0; i < snapshot->count; i++)
		bev_row_version_release(snapshot->version[i], bytes);
	bev_name_table_free(&snapshot->changed);
	bev_row_base_release(snapshot->base);
	*bytes -= snapshot->size;
	free(snapshot);
}

bool
bev_row_snapshot_overrides(const BevRowSnapshot *snapshot, BevSpan key,
                           const BevPrincipals *principals)
{
	const Changed *changed = bev_name_table_find(&snapshot->changed, sizeof(Changed), key);

	return changed && (changed->whole || bev_row_version_is_for(changed->version, principals));
}

static void
note_change(BevRowSnapshot *snapshot, const Row *row)
{
	BevSpan key = {(const char *) (row + 1), row->named.name_len};
	Changed *changed = bev_name_table_add(&snapshot->changed, sizeof(Changed), key);

	changed->version = row->version;
	changed->whole = row->whole;
	snapshot->size += sizeof(Changed) + key.len;
}

static void
collect(BevRowSet *set, Row *row)
{
	set->latest->version[set->latest->count++] = bev_row_version_hold(row->version);
	if (set->base)
		note_change(set->latest, row);
}

BevRowSnapshot *
bev_row_set_snapshot(BevRowSet *set)
{
	if (set->latest == NULL)
	{
		size_t size = sizeof(BevRowSnapshot) + sizeof(BevRowVersion *) * set->rows.count;

		set->latest = bev_alloc(size);
		set->latest->refs = 1;
		set->latest->size = size;
		set->latest->base = bev_row_base_hold(set->base);
		walk(set, collect);
		*set->bytes += set->latest->size;
	}
	set->latest->refs++;
	return set->latest;
}

bool
bev_row_set_is_read(const BevRowSet *set)
{
	uint32_t ours = 1 + (set->latest != NULL); /* who holds the base */

	return (set->latest && set->latest->refs > 1) || (set->base && set->base->refs > ours);
}

/* It is about to change. */
static void
touch(BevRowSet *set)
{
	if (set->latest)
		bev_row_snapshot_release(set->latest, set->bytes);
	set->latest = NULL;
}

/* ---- The set ---- */

BevRowSet *
bev_row_set_create(const BevRowRange *range, size_t *bytes)
{
	BevRowSet *set = bev_alloc(sizeof(*set));

	set->range = bev_row_range_copy(range);
	set->bytes = bytes;
	*bytes += sizeof(*set);
	return set;
}

static void
clear(BevRowSet *set)
{
	touch(set);
	walk(set, remove_row);
	bev_name_table_free(&set->rows);
}

void
bev_row_set_free(BevRowSet *set)
{
	clear(set);
	bev_row_base_release(set->base);
	*set->bytes -= sizeof(*set);
	bev_row_range_free(&set->range);
	free(set);
}

void
bev_row_set_restart(BevRowSet *set, BevRowBase *base)
{
	clear(set);
	bev_row_base_hold(base);
	bev_row_base_release(set->base);
	set->base = base;
	set->complete = false;
	set->spoiled = false;
}

static void
spoil(BevRowSet *set)
{
	clear(set);
	set->spoiled = true;
}

static void
note(BevRowSet *set, Row *row, const BevEvent *event, Effect effect)
{
	if (effect == IS_GONE)
		bury(set, row);
	else if (!bev_row_version_add(&row->version, event, effect == IS_HIDDEN, false, set->bytes))
		spoil(set);
	else if (has_all(set) && !is_in_range(set, row->version))
		remove_row(set, row);
}

void
bev_row_set_apply(BevRowSet *set, const BevEvent *event)
{
	Effect effect = effect_of(event);
	Row *row;

	if (effect == NOTHING || set->spoiled)
		return;
	if (effect == IS_UNKNOWN)
	{
		spoil(set);
		return;
	}
	row = find(set, event->field[BEV_EVENT_KEY]);
	if (row == NULL && has_all(set) && (effect != IS_THERE || !has(&set->range, event)))
		return;
	touch(set);
	note(set, row ? row : add(set, event->field[BEV_EVENT_KEY]), event, effect);
}

void
bev_row_set_load(BevRowSet *set, const BevEvent *record)
{
	Row *row;

	if (set->spoiled)
		return;
	row = add(set, record->field[BEV_EVENT_KEY]);
	if (row->whole)
		return;
	row->whole = true;
	if (!bev_row_version_add(&row->version, record, false, true, set->bytes))
		spoil(set);
}

static void
sweep(BevRowSet *set, Row *row)
{
	if (!is_in_range(set, row->version))
		remove_row(set, row);
}

void
bev_row_set_finish(BevRowSet *set, uint64_t now)
{
	if (set->base == NULL)
		walk(set, sweep);
	set->complete = true;
	set->read_at = now;
}

const BevRowVersion *
bev_row_set_find(const BevRowSet *set, BevSpan key)
{
	const Row *row = find(set, key);

	return row ? row->version : NULL;
}
