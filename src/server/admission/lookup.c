/*
 * lookup.c - who waits to be looked up in the tables of users, and admitted then.
 *
 * Model: all who came in one turn of the dispatcher are looked up together: a storm of
 * clients costs as many queries as it takes turns.
 *
 * Concurrency: a table that somebody has locked is waited for, but not here: they stay in the
 * list, and it is looked again a moment later, for PATIENCE at the most.
 *
 * Failure: when the tables can't be read, each is looked up alone, since one bad row
 * shall not keep the others out, but not for longer than RETRY_MS, because the stream
 * waits meanwhile.
 */
#include "server/admission/lookup.h"

#include "server/admission/unread.h"
#include "nodes/pg_list.h"
#include "server/attach/attached_table.h"
#include "server/base/clock.h"
#include "server/base/table_lock.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define RETRY_MS     1000
#define LOCKED_RETRY 50   /* ms */
#define PATIENCE     5000 /* ms */

typedef struct Waiting
{
	int gateway;
	BevOpenMessage open;
	TimestampTz since;
} Waiting;

static List *waiting = NIL; /* of Waiting, in TopMemoryContext */
static TimestampTz not_before = 0;

void
bev_lookup_add(int gateway, const BevOpenMessage *open)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	Waiting *one = palloc(sizeof(Waiting));

	one->gateway = gateway;
	one->open = *open;
	one->since = GetCurrentTimestamp();
	waiting = lappend(waiting, one);
	MemoryContextSwitchTo(old);
}

void
bev_lookup_forget(int gateway)
{
	ListCell *cell;

	foreach (cell, waiting)
	{
		if (((Waiting *) lfirst(cell))->gateway == gateway)
		{
			pfree(lfirst(cell));
			waiting = foreach_delete_current(waiting, cell);
		}
	}
}

long
bev_lookup_due_in(void)
{
	if (waiting == NIL)
		return -1;
	return bev_clock_has_come(not_before, LOCKED_RETRY) ?
	           0 :
	           TimestampDifferenceMilliseconds(GetCurrentTimestamp(), not_before);
}

static bool
try_lock_tables(void)
{
	ListCell *cell;

	foreach (cell, bev_attached_table_list(NULL))
	{
		if (!bev_table_lock_try(((BevAttachedTable *) lfirst(cell))->relid))
			return false;
	}
	return true;
}

/* Those who have waited too long are refused. */
static void
wait_on(BevLookupAnswer answer)
{
	ListCell *cell;
	int refused = 0;

	not_before = bev_clock_ahead(LOCKED_RETRY);
	foreach (cell, waiting)
	{
		Waiting *one = lfirst(cell);

		if (!bev_clock_has_come(TimestampTzPlusMilliseconds(one->since, PATIENCE), PATIENCE))
			continue;
		answer(one->gateway, &one->open, 0, NULL, -1);
		refused++;
		pfree(one);
		waiting = foreach_delete_current(waiting, cell);
	}
	if (refused > 0)
		ereport(WARNING, (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
		                  errmsg("bugevents could not look up who connects: a table is locked"),
		                  errdetail("It is one of entity user or membership, or an index of one."),
		                  errhint("They are refused, and welcome when it is free.")));
}

static BevUserLookupEntry *
make_entries(int n)
{
	BevUserLookupEntry *entries = palloc(sizeof(BevUserLookupEntry) * n);
	ListCell *cell;

	foreach (cell, waiting)
	{
		BevUserLookupEntry *entry = &entries[foreach_current_index(cell)];

		entry->user = ((Waiting *) lfirst(cell))->open.user;
		initStringInfo(&entry->access);
	}
	return entries;
}

/* Each by itself; who can't be read gets user NULL. */
static void
read_one_by_one(BevUserLookupEntry *entries, int n)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), RETRY_MS);

	for (int i = 0; i < n; i++)
	{
		resetStringInfo(&entries[i].access);
		if (GetCurrentTimestamp() >= end ||
		    bev_user_lookup_read(&entries[i], 1) != BEV_USER_LOOKUP_READ)
			entries[i].user = NULL;
	}
}

static int *
count_unread(const BevUserLookupEntry *entries, int n)
{
	const char **users = palloc(sizeof(char *) * n);
	int *counts = palloc(sizeof(int) * n);

	for (int i = 0; i < n; i++)
		users[i] = entries[i].user;
	bev_unread_count(users, n, counts);
	return counts;
}

static void
look_up(uint64 settled, BevLookupAnswer answer)
{
	int n = list_length(waiting);
	BevUserLookupEntry *entries = make_entries(n);
	BevUserLookupResult result = bev_user_lookup_read(entries, n);
	ListCell *cell;
	int *unread;

	if (result == BEV_USER_LOOKUP_BROKEN && n > 1)
		read_one_by_one(entries, n);
	unread = count_unread(entries, n);
	foreach (cell, waiting)
	{
		Waiting *one = lfirst(cell);
		BevUserLookupEntry *entry = &entries[foreach_current_index(cell)];
		bool known = result != BEV_USER_LOOKUP_TOO_SLOW && result != BEV_USER_LOOKUP_LOCKED &&
		             entry->user && (result != BEV_USER_LOOKUP_BROKEN || n > 1);

		answer(one->gateway, &one->open, result == BEV_USER_LOOKUP_NONE ? 0 : settled,
		       known ? entry : NULL, unread[foreach_current_index(cell)]);
	}
	list_free_deep(waiting);
	waiting = NIL;
}

bool
bev_lookup_run(uint64 settled, BevLookupAnswer answer)
{
	bool locked = try_lock_tables();

	if (locked)
		look_up(settled, answer);
	else
		wait_on(answer);
	return locked;
}
