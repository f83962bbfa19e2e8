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

/* What was read of the table, where it is kept elsewhere (session/row_spool.h). */
typedef struct BevRowBase
{
	uint32_t refs;
	uint32_t number;
} BevRowBase;

/*
 * The rows at one place in the stream; held by whoever reads them.  With a base: what events said
 * of rows, in front of what that has.
 */
typedef struct BevRowSnapshot
{
	uint32_t refs;
	uint32_t count;
	size_t size;
	BevRowBase *base;     /* or NULL */
	BevNameTable changed; /* with a base: the same versions, by their keys */
	BevRowVersion *version[];
} BevRowSnapshot;

typedef struct BevRowSet
{
	LIST_ENTRY(BevRowSet) entry;
	BevRowRange range;
	BevNameTable rows; /* by their keys; with a base, those that events were about */
	BevRowBase *base;  /* has what was read of the table; NULL: that is in rows, too */
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

/* Begin to load, again; what is read goes into the base, or if that is NULL into the set. */
extern void bev_row_set_restart(BevRowSet *set, BevRowBase *base);

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

/* Does anybody hold a snapshot of it, now or of before, or its base? */
extern bool bev_row_set_is_read(const BevRowSet *set);

/* Has it more recent news for somebody of the row of that key than its base? */
extern bool bev_row_snapshot_overrides(const BevRowSnapshot *snapshot, BevSpan key,
                                       const BevPrincipals *principals);

static inline BevRowBase *
bev_row_base_hold(BevRowBase *base)
{
	if (base)
		base->refs++;
	return base;
}

static inline void
bev_row_base_release(BevRowBase *base)
{
	if (base)
		base->refs--;
}

#endif /* BEV_GATEWAY_STREAM_ROW_SET_H */
