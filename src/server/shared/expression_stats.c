/*
 * expression_stats.c - what the expressions of attached tables cost, how often they failed, and
 * which ones are suspended.
 *
 * Model: a table of places in shared memory, one for each attached table whose expressions were
 * evaluated.  TIMEOUTS evaluations in a row that took too long suspend a table.  Its changes go on
 * being published, as who writes waits for them anyway, within the limit; but nobody else waits
 * for it any more: the responder and the projector leave it out until resume_expressions(),
 * attach() (test/t/427_slow_expressions.pl), or a restart: what is still slow then is suspended
 * again after as many.
 *
 * Concurrency: a place is found by looking at them all without a lock, and what is in it is read
 * and written under the place's spinlock.  Which table has a place changes under the area's lock
 * and the place's, so who has the latter looks once more whose it is.
 *
 * Cost: a look at up to as many places as there are, and a spinlock that only those who evaluate
 * for the same table want.  An error costs a subtransaction anyway.
 */
#include "server/shared/expression_stats.h"

#include "access/xact.h"
#include "mb/pg_wchar.h"
#include "port/atomics.h"
#include "storage/spin.h"
#include "utils/timestamp.h"

#define TIMEOUTS 3

typedef struct Place
{
	pg_atomic_uint32 table; /* 0: free */
	slock_t mutex;
	int late;         /* in a row; TIMEOUTS: suspended */
	TimestampTz used; /* the begin of the transaction that did it last */
	BevExpressionStats stats;
} Place;

typedef struct Area
{
	pg_atomic_uint64 errors;
	Place places[BEV_EXPRESSION_STATS];
} Area;

static Area *area;
static LWLock *lock;

static void
init(void *memory, LWLock *its_lock)
{
	area = memory;
	lock = its_lock;
	pg_atomic_init_u64(&area->errors, 0);
	for (int i = 0; i < BEV_EXPRESSION_STATS; i++)
	{
		pg_atomic_init_u32(&area->places[i].table, 0);
		SpinLockInit(&area->places[i].mutex);
	}
}

const BevSharedArea bev_expression_stats_area = {
	.name = "bugevents expressions", .locked = true, .size = sizeof(Area), .init = init};

/* ---- places ---- */

static bool
is_of(Place *place, Oid table)
{
	return pg_atomic_read_u32(&place->table) == (uint32) table;
}

/* With its spinlock; NULL: the table has none. */
static Place *
lock_place(Oid table)
{
	for (int i = 0; i < BEV_EXPRESSION_STATS; i++)
	{
		Place *place = &area->places[i];

		if (!is_of(place, table))
			continue;
		SpinLockAcquire(&place->mutex);
		if (is_of(place, table))
			return place;
		SpinLockRelease(&place->mutex);
	}
	return NULL;
}

/* A free one, or one that wasn't used for longest; NULL: all are suspended. */
static Place *
find_victim(void)
{
	Place *victim = NULL;

	for (int i = 0; i < BEV_EXPRESSION_STATS; i++)
	{
		Place *place = &area->places[i];

		if (is_of(place, InvalidOid))
			return place;
		if (place->late < TIMEOUTS && (victim == NULL || place->used < victim->used))
			victim = place;
	}
	return victim;
}

/* Nobody else does so at the same time. */
static void
give_place(Oid table)
{
	Place *place = find_victim();

	if (place == NULL)
		return;
	SpinLockAcquire(&place->mutex);
	pg_atomic_write_u32(&place->table, (uint32) table);
	place->late = 0;
	memset(&place->stats, 0, sizeof(place->stats));
	SpinLockRelease(&place->mutex);
}

/* The same, but it has one then, if there is room. */
static Place *
lock_own_place(Oid table)
{
	Place *place = lock_place(table);

	if (place)
		return place;
	LWLockAcquire(lock, LW_EXCLUSIVE);
	place = lock_place(table);
	if (place == NULL)
	{
		give_place(table);
		place = lock_place(table);
	}
	LWLockRelease(lock);
	return place;
}

/* ---- what they cost ---- */

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

/* True: it is suspended from now on.  What is suspended stays so. */
static bool
note_pace(Place *place, BevPace pace)
{
	bool late = pace == BEV_TOO_LONG;

	if (late)
		place->stats.timeouts++;
	if (place->late == TIMEOUTS || pace == BEV_NOT_TRIED)
		return false;
	place->late = late ? place->late + 1 : 0;
	return place->late == TIMEOUTS;
}

void
bev_expression_stats_evaluated(Oid table, const char *name, int rows, uint64 us, BevPace pace)
{
	TimestampTz now = GetCurrentTransactionStartTimestamp();
	Place *place = lock_own_place(table);
	bool suspended;

	if (place == NULL)
		return;
	place->used = now;
	place->stats.rows += rows;
	place->stats.us += us;
	if (rows > 0)
		place->stats.slowest = Max(place->stats.slowest, rows > 2 ? 2 * us / rows : us);
	suspended = note_pace(place, pace);
	SpinLockRelease(&place->mutex);
	if (suspended)
		tell(name);
}

/* ---- how they failed ---- */

void
bev_expression_stats_failed(Oid table, const char *message)
{
	TimestampTz now = GetCurrentTimestamp();
	int len =
		message ? pg_mbcliplen(message, (int) strlen(message), BEV_EXPRESSION_ERROR_BYTES - 1) : 0;
	Place *place;

	pg_atomic_fetch_add_u64(&area->errors, 1);
	place = lock_own_place(table);
	if (place == NULL)
		return;
	place->used = now;
	place->stats.errors++;
	place->stats.failed_at = now;
	if (message)
	{
		memcpy(place->stats.message, message, len);
		place->stats.message[len] = '\0';
	}
	SpinLockRelease(&place->mutex);
}

void
bev_expression_stats_forget_errors(Oid table)
{
	Place *place = lock_place(table);

	if (place == NULL)
		return;
	place->stats.errors = 0;
	place->stats.failed_at = 0;
	place->stats.message[0] = '\0';
	SpinLockRelease(&place->mutex);
}

uint64
bev_expression_stats_all_errors(void)
{
	return pg_atomic_read_u64(&area->errors);
}

/* ---- looking at them ---- */

void
bev_expression_stats_get(Oid table, BevExpressionStats *stats)
{
	Place *place = lock_place(table);

	*stats = (BevExpressionStats){0};
	if (place == NULL)
		return;
	*stats = place->stats;
	stats->suspended = place->late == TIMEOUTS;
	SpinLockRelease(&place->mutex);
}

bool
bev_expression_stats_are_suspended(Oid table)
{
	Place *place = lock_place(table);
	bool suspended;

	if (place == NULL)
		return false;
	suspended = place->late == TIMEOUTS;
	SpinLockRelease(&place->mutex);
	return suspended;
}

bool
bev_expression_stats_resume(Oid table)
{
	Place *place = lock_place(table);
	bool suspended;

	if (place == NULL)
		return false;
	suspended = place->late == TIMEOUTS;
	place->late = 0;
	SpinLockRelease(&place->mutex);
	return suspended;
}

int
bev_expression_stats_count_suspended(void)
{
	int count = 0;

	for (int i = 0; i < BEV_EXPRESSION_STATS; i++)
	{
		Place *place = &area->places[i];

		SpinLockAcquire(&place->mutex);
		count += place->late == TIMEOUTS;
		SpinLockRelease(&place->mutex);
	}
	return count;
}
