/*
 * row_set.h - rows of one type as they are at the stream's tip, kept current by it.
 *
 *	LOADING --> complete: every row is there that the table has
 *
 * While it loads, rows come from the table in any number of answers, each of which was read behind
 * the place at which loading began, and events come by the stream.  Both go in as they
 * come (row_set.c says why that is exact).
 *
 * Pure C.
 */
#ifndef BEV_GATEWAY_STREAM_ROW_SET_H
#define BEV_GATEWAY_STREAM_ROW_SET_H

#include <sys/queue.h>

#include "gateway/stream/name_table.h"
#include "gateway/stream/row_version.h"

typedef enum BevRowScope
{
	BEV_ROWS_ALL,
	BEV_ROWS_OF_PROJECT,
	BEV_ROWS_OF_BUG
} BevRowScope;

/* Which rows: those of a type, or of one project or bug of them. */
typedef struct BevRowRange
{
	char *type;
	BevRowScope scope;
	char *id; /* NULL: all */
} BevRowRange;

/* The rows at one place in the stream; held by whoever reads them. */
typedef struct BevRowSnapshot
{
	uint32_t refs;
	uint32_t count;
	BevRowVersion *version[];
} BevRowSnapshot;

typedef struct BevRowSet
{
	LIST_ENTRY(BevRowSet) entry;
	BevRowRange range;
	BevNameTable rows; /* by their keys */
	bool complete;
	bool spoiled;     /* something happened that events don't tell: it has to be read again */
	uint64_t read_at; /* when it was complete; loop time */
	uint64_t used_at; /* larger is more recent */
	BevRowSnapshot *latest;
	size_t *bytes;
} BevRowSet;

extern BevRowRange bev_row_range_copy(const BevRowRange *range);
extern void bev_row_range_free(BevRowRange *range);
extern bool bev_row_range_is(const BevRowRange *range, const BevRowRange *other);

/* Is a row of this project and bug one of them? */
extern bool bev_row_range_has(const BevRowRange *range, const char *project, const char *bug);

/* One that loads; what it takes is counted in *bytes. */
extern BevRowSet *bev_row_set_create(const BevRowRange *range, size_t *bytes);
extern void bev_row_set_free(BevRowSet *set);

/* Begin to load, again. */
extern void bev_row_set_restart(BevRowSet *set);

/* Take in an event of the set's type; it may be spoiled by it. */
extern void bev_row_set_apply(BevRowSet *set, const BevEvent *event);

/* What was read of the table: the record of a row.  It may be spoiled by it. */
extern void bev_row_set_load(BevRowSet *set, const BevEvent *record);

/* All that the table has was loaded. */
extern void bev_row_set_finish(BevRowSet *set, uint64_t now);

/* The row of that key; NULL: it isn't in it. */
extern const BevRowVersion *bev_row_set_find(const BevRowSet *set, BevSpan key);

/* The rows as they are now, to be released. */
extern BevRowSnapshot *bev_row_set_snapshot(BevRowSet *set);
extern void bev_row_snapshot_release(BevRowSnapshot *snapshot, size_t *bytes);

#endif /* BEV_GATEWAY_STREAM_ROW_SET_H */
