/*
 * row_cache.c - rows that were read lately, kept current by the stream.
 *
 * Model: sets of rows (row_set.h), complete or being loaded.  A set of all rows of a type has
 * those of each project, too.
 *
 * Memory: a limit for all together, counted when it changes; SETS_MAX sets.  What a reader holds of
 * a set that was let go of counts until he lets go of it.
 *
 * Cost: an event looks at each set.
 */
#include "gateway/stream/row_cache.h"

#include <string.h>

#define SETS_MAX 256

static bool
fits(const BevRowSet *set, const BevRowRange *range)
{
	return bev_row_range_is(&set->range, range) ||
	       (set->range.scope == BEV_ROWS_ALL && strcmp(set->range.type, range->type) == 0);
}

BevRowSet *
bev_row_cache_find(BevRowCache *cache, const BevRowRange *range, uint64_t since)
{
	BevRowSet *set;

	LIST_FOREACH (set, &cache->sets, entry)
		if (set->complete && set->read_at >= since && fits(set, range))
		{
			set->used_at = ++cache->clock;
			return set;
		}
	return NULL;
}

const BevRowVersion *
bev_row_cache_find_row(BevRowCache *cache, const char *type, BevSpan key, uint64_t since)
{
	BevRowSet *set;

	LIST_FOREACH (set, &cache->sets, entry)
	{
		const BevRowVersion *version;

		if (!set->complete || set->read_at < since || strcmp(set->range.type, type) != 0 ||
		    (version = bev_row_set_find(set, key)) == NULL)
			continue;
		set->used_at = ++cache->clock;
		return version;
	}
	return NULL;
}

static void
drop(BevRowCache *cache, BevRowSet *set)
{
	LIST_REMOVE(set, entry);
	cache->count--;
	bev_row_set_free(set);
}

void
bev_row_cache_drop(BevRowCache *cache, BevRowSet *set)
{
	drop(cache, set);
}

static BevRowSet *
least_used(const BevRowCache *cache)
{
	BevRowSet *least = NULL;
	BevRowSet *set;

	LIST_FOREACH (set, &cache->sets, entry)
		if (set->complete && (least == NULL || set->used_at < least->used_at))
			least = set;
	return least;
}

/* It takes the place of one that was read too long ago. */
static void
drop_complete(BevRowCache *cache, const BevRowRange *range)
{
	BevRowSet *next;

	for (BevRowSet *set = LIST_FIRST(&cache->sets); set; set = next)
	{
		next = LIST_NEXT(set, entry);
		if (set->complete && bev_row_range_is(&set->range, range))
			drop(cache, set);
	}
}

BevRowSet *
bev_row_cache_add(BevRowCache *cache, const BevRowRange *range)
{
	BevRowSet *least;
	BevRowSet *set;

	drop_complete(cache, range);
	if (cache->count >= SETS_MAX && (least = least_used(cache)) != NULL)
		drop(cache, least);
	set = bev_row_set_create(range, &cache->bytes);
	LIST_INSERT_HEAD(&cache->sets, set, entry);
	cache->count++;
	return set;
}

void
bev_row_cache_apply(BevRowCache *cache, const BevEvent *event)
{
	BevRowSet *next;

	for (BevRowSet *set = LIST_FIRST(&cache->sets); set; set = next)
	{
		next = LIST_NEXT(set, entry);
		if (!bev_span_is(event->field[BEV_EVENT_TYPE], set->range.type))
			continue;
		bev_row_set_apply(set, event);
		if (set->spoiled && set->complete)
			drop(cache, set);
	}
}

void
bev_row_cache_forget(BevRowCache *cache)
{
	BevRowSet *next;

	for (BevRowSet *set = LIST_FIRST(&cache->sets); set; set = next)
	{
		next = LIST_NEXT(set, entry);
		if (set->complete)
			drop(cache, set);
		else
			set->spoiled = true;
	}
}

bool
bev_row_cache_trim(BevRowCache *cache)
{
	BevRowSet *least;

	while (cache->bytes > cache->limit && (least = least_used(cache)) != NULL)
		drop(cache, least);
	return cache->bytes <= cache->limit;
}

bool
bev_row_cache_drop_unread(BevRowCache *cache)
{
	BevRowSet *next;
	bool dropped = false;

	for (BevRowSet *set = LIST_FIRST(&cache->sets); set; set = next)
	{
		next = LIST_NEXT(set, entry);
		if (!set->complete || set->base == NULL || bev_row_set_is_read(set))
			continue;
		drop(cache, set);
		dropped = true;
	}
	return dropped;
}

void
bev_row_cache_free(BevRowCache *cache)
{
	while (!LIST_EMPTY(&cache->sets))
		drop(cache, LIST_FIRST(&cache->sets));
}
