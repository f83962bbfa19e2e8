/*
 * expression_errors.c - how often an attachment's expressions failed, and how last.
 *
 * Concurrency: whoever evaluates writes, under a lock.  An error costs a subtransaction anyway.
 */
#include "server/shared/expression_errors.h"

#include "mb/pg_wchar.h"
#include "port/atomics.h"
#include "utils/timestamp.h"

typedef struct Slot
{
	Oid table; /* InvalidOid: free */
	BevExpressionErrors errors;
} Slot;

typedef struct Area
{
	pg_atomic_uint64 total;
	Slot slots[BEV_EXPRESSION_ERRORS];
} Area;

static Area *area;
static LWLock *lock;

static void
init(void *memory, LWLock *its_lock)
{
	area = memory;
	lock = its_lock;
	pg_atomic_init_u64(&area->total, 0);
}

const BevSharedArea bev_expression_errors_area = {
	.name = "bugevents expression errors", .locked = true, .size = sizeof(Area), .init = init};

static Slot *
find(Oid table)
{
	for (int i = 0; i < BEV_EXPRESSION_ERRORS; i++)
		if (area->slots[i].table == table)
			return &area->slots[i];
	return NULL;
}

/* A free one, or that of the table that hasn't failed for longest. */
static Slot *
take(Oid table)
{
	Slot *slot = &area->slots[0];

	for (int i = 1; i < BEV_EXPRESSION_ERRORS; i++)
		if (area->slots[i].errors.at < slot->errors.at)
			slot = &area->slots[i];
	*slot = (Slot){.table = table};
	return slot;
}

static void
set_message(char *dst, const char *message)
{
	int len = pg_mbcliplen(message, (int) strlen(message), BEV_EXPRESSION_ERROR_BYTES - 1);

	memcpy(dst, message, len);
	dst[len] = '\0';
}

void
bev_expression_errors_count(Oid table, const char *message)
{
	Slot *slot;

	pg_atomic_fetch_add_u64(&area->total, 1);
	LWLockAcquire(lock, LW_EXCLUSIVE);
	slot = find(table);
	if (slot == NULL)
		slot = take(table);
	slot->errors.count++;
	slot->errors.at = GetCurrentTimestamp();
	if (message)
		set_message(slot->errors.message, message);
	LWLockRelease(lock);
}

bool
bev_expression_errors_get(Oid table, BevExpressionErrors *errors)
{
	Slot *slot;

	LWLockAcquire(lock, LW_SHARED);
	slot = find(table);
	if (slot)
		*errors = slot->errors;
	LWLockRelease(lock);
	return slot != NULL;
}

void
bev_expression_errors_forget(Oid table)
{
	Slot *slot;

	LWLockAcquire(lock, LW_EXCLUSIVE);
	slot = find(table);
	if (slot)
		memset(slot, 0, sizeof(Slot));
	LWLockRelease(lock);
}

uint64
bev_expression_errors_total(void)
{
	return pg_atomic_read_u64(&area->total);
}
