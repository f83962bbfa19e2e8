/*
 * row_load.h - rows that are being read of the database, for all who wait for them.
 *
 *	rounds of questions --> a set of the cache, which the stream keeps current meanwhile
 *
 * Rows that are too many for memory are read again, into a spool.
 */
#ifndef BEV_GATEWAY_SESSION_ROW_LOAD_H
#define BEV_GATEWAY_SESSION_ROW_LOAD_H

#include "gateway/session/row_spool.h"
#include "gateway/stream/row_cache.h"

typedef struct BevRowLoad BevRowLoad;

/* Told to those who wait. */
typedef struct BevRowLoadEvents
{
	/* One of those who wait for it, open; NULL: nobody does any more, and it ends. */
	const BevSession *(*asker)(void *owner, const BevRowLoad *load);

	/* More of it came. */
	void (*went_on)(void *owner, const BevRowLoad *load);

	/* It is complete. */
	void (*finished)(void *owner);

	/* It won't be, for this reason: an error's code, message and further members. */
	void (*failed)(void *owner, const BevRowLoad *load, const char *code, const char *message,
	               const char *more);

	/* See to it that the cache's bound is kept; false: it isn't. */
	bool (*relieve)(void *owner);
} BevRowLoadEvents;

typedef struct BevRowLoads
{
	BevQuestions *questions;
	BevSessions *sessions;
	BevRowCache *cache;
	BevRowSpools spools;
	LIST_HEAD(, BevRowLoad) loads;
	const BevRowLoadEvents *events;
	void *owner; /* of events */
} BevRowLoads;

/* Read a range, unless that is under way. */
extern void bev_row_load_need(BevRowLoads *loads, const BevRowRange *range);

/* Would the range be loaded by it? */
extern bool bev_row_load_brings(const BevRowLoad *load, const BevRowRange *range);

/* Between two batches: go on with what waited for room, and keep the bound of memory. */
extern void bev_row_loads_run(BevRowLoads *loads);

extern void bev_row_loads_free(BevRowLoads *loads);

#endif /* BEV_GATEWAY_SESSION_ROW_LOAD_H */
