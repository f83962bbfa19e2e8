/*
 * row_cache.h - rows that were read lately, kept current by the stream.
 *
 * Pure C.
 */
#ifndef BEV_GATEWAY_STREAM_ROW_CACHE_H
#define BEV_GATEWAY_STREAM_ROW_CACHE_H

#include "gateway/stream/row_set.h"

typedef struct BevRowCache
{
	LIST_HEAD(, BevRowSet) sets;
	uint32_t count;
	size_t bytes; /* of the sets, and of what readers hold of them */
	size_t limit;
	uint64_t clock; /* for used_at */
} BevRowCache;

/*
 * A complete set that has these rows, and perhaps others of their type, and was read at the given
 * time or later; NULL: there is none.
 */
extern BevRowSet *bev_row_cache_find(BevRowCache *cache, const BevRowRange *range, uint64_t since);

/* The same, by one row: what there is of it; NULL: nothing is known. */
extern const BevRowVersion *bev_row_cache_find_row(BevRowCache *cache, const char *type,
                                                   BevSpan key, uint64_t since);

/* A new set, which is to be loaded. */
extern BevRowSet *bev_row_cache_add(BevRowCache *cache, const BevRowRange *range);
extern void bev_row_cache_drop(BevRowCache *cache, BevRowSet *set);

/* Take in an event of the stream. */
extern void bev_row_cache_apply(BevRowCache *cache, const BevEvent *event);

/* Events were missed: what is complete goes, and what is being loaded is spoiled. */
extern void bev_row_cache_forget(BevRowCache *cache);

/*
 * Let go of the sets that were not used for the longest time until the bound is kept.  False: it
 * isn't, by what is being loaded and read.
 */
extern bool bev_row_cache_trim(BevRowCache *cache);

/* Let go of complete sets whose base nobody reads.  False: there is none. */
extern bool bev_row_cache_drop_unread(BevRowCache *cache);

extern void bev_row_cache_free(BevRowCache *cache);

#endif /* BEV_GATEWAY_STREAM_ROW_CACHE_H */
