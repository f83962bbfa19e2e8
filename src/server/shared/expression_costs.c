/*
 * expression_costs.c - what the expressions of attached tables cost, and which ones are suspended.
 *
 * Model: a table of TABLES places in shared memory, one for each attached table whose expressions
 * were evaluated since the server's start.  TIMEOUTS evaluations in a row that took too long
 * suspend a table.  Its changes go on being published, as who writes waits for them anyway, within
 * the limit; but nobody else waits for it any more: the responder and the projector leave it out
 * until resume_expressions(), attach() (test/t/427_slow_expressions.pl), or a restart: what
 * is still slow then is suspended again after as many.
 *
 * Concurrency: places are taken by compare-and-swap and never given back; numbers are added up
 * without a lock.
 *
 * Cost: a look at up to as many places as there are tables, and three additions.
 */
#include "server/shared/expression_costs.h"

#include "port/atomics.h"

#define TABLES   256 /* further ones are not counted, and not suspended */
#define TIMEOUTS 3

typedef struct Place
{
	pg_atomic_uint32 table; /* 0: free */
	pg_atomic_uint32 late;  /* in a row; TIMEOUTS: suspended */
	pg_atomic_uint64 rows;
	pg_atomic_uint64 us;
	pg_atomic_uint64 slowest;
	pg_atomic_uint64 timeouts;
} Place;

static Place *places;

static void
init(void *memory, LWLock *lock pg_attribute_unused())
{
	places = memory;
	for (int i = 0; i < TABLES; i++)
	{
		pg_atomic_init_u32(&places[i].table, 0);
		pg_atomic_init_u32(&places[i].late, 0);
		pg_atomic_init_u64(&places[i].rows, 0);
		pg_atomic_init_u64(&places[i].us, 0);
		pg_atomic_init_u64(&places[i].slowest, 0);
		pg_atomic_init_u64(&places[i].timeouts, 0);
	}
}

const BevSharedArea bev_expression_costs_area = {
	.name = "bugevents expressions", .size = sizeof(Place) * TABLES, .init = init};

/* NULL: it has none, or with take, there is no more room. */
static Place *
place_of(Oid table, bool take)
{
	for (int i = 0; i < TABLES; i++)
	{
		uint32 found = pg_atomic_read_u32(&places[i].table);

		if (found == 0 && !take)
			return NULL;
		if (found == 0 && pg_atomic_compare_exchange_u32(&places[i].table, &found, (uint32) table))
			return &places[i];
		if (found == (uint32) table)
			return &places[i];
	}
	return NULL;
}

static void
tell(const char *name)
{
	ereport(WARNING,
	        (errmsg("bugevents leaves table \"%s\" out of what is derived, and of get, list and "
	                "watch: its expressions took too long %d times in a row",
	                name, TIMEOUTS),
	         errdetail("Its changes go on being published."),
	         errhint("Correct them with bugevents.attach(), or call "
	                 "bugevents.resume_expressions(); bugevents.attachments has what they cost.")));
}

static void
note_late(Place *place, const char *name)
{
	uint32 late = pg_atomic_read_u32(&place->late);

	pg_atomic_fetch_add_u64(&place->timeouts, 1);
	while (late < TIMEOUTS)
		if (pg_atomic_compare_exchange_u32(&place->late, &late, late + 1))
		{
			if (late + 1 == TIMEOUTS)
				tell(name);
			return;
		}
}

/* One that has succeeded in between; what is suspended stays so. */
static void
note_success(Place *place)
{
	uint32 late = pg_atomic_read_u32(&place->late);

	while (late > 0 && late < TIMEOUTS && !pg_atomic_compare_exchange_u32(&place->late, &late, 0))
		;
}

void
bev_expression_costs_note(Oid table, const char *name, int rows, uint64 us, bool late)
{
	Place *place = place_of(table, true);
	uint64 slowest;

	if (place == NULL)
		return;
	pg_atomic_fetch_add_u64(&place->rows, rows);
	pg_atomic_fetch_add_u64(&place->us, us);
	slowest = pg_atomic_read_u64(&place->slowest);
	while (slowest < us && !pg_atomic_compare_exchange_u64(&place->slowest, &slowest, us))
		;
	if (late)
		note_late(place, name);
	else
		note_success(place);
}

bool
bev_expression_costs_are_suspended(Oid table)
{
	Place *place = place_of(table, false);

	return place && pg_atomic_read_u32(&place->late) >= TIMEOUTS;
}

int
bev_expression_costs_count_suspended(void)
{
	int count = 0;

	for (int i = 0; i < TABLES && pg_atomic_read_u32(&places[i].table) != 0; i++)
		count += pg_atomic_read_u32(&places[i].late) >= TIMEOUTS;
	return count;
}

void
bev_expression_costs_get(Oid table, BevExpressionCosts *costs)
{
	Place *place = place_of(table, false);

	*costs = (BevExpressionCosts){0};
	if (place)
		*costs = (BevExpressionCosts){
			.rows = pg_atomic_read_u64(&place->rows),
			.us = pg_atomic_read_u64(&place->us),
			.slowest = pg_atomic_read_u64(&place->slowest),
			.timeouts = pg_atomic_read_u64(&place->timeouts),
			.suspended = pg_atomic_read_u32(&place->late) >= TIMEOUTS,
		};
}

bool
bev_expression_costs_resume(Oid table)
{
	Place *place = place_of(table, false);

	return place && pg_atomic_exchange_u32(&place->late, 0) >= TIMEOUTS;
}
