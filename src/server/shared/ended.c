/*
 * ended.c - the connections that have ended lately, and those that were refused.
 *
 * Model: a ring in shared memory of bugevents.ended_connections entries; the newest takes the
 * place of the oldest.  Nothing of it is kept over a restart of the server.
 *
 * Concurrency: a lock, for connections end rarely.  Sessions that look hold it shared,
 * for one walk over the ring.
 */
#include "server/shared/ended.h"

#include "server/base/settings.h"
#include "miscadmin.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

typedef struct Ring
{
	LWLock *lock;
	TimestampTz kept_since;
	uint64 added; /* so many ever; entry n is in place n modulo the capacity */
	BevEndedClient entry[FLEXIBLE_ARRAY_MEMBER];
} Ring;

static Ring *ring;

static Size
entries_size(void)
{
	return mul_size(bev_ended_connections, sizeof(BevEndedClient));
}

static void
init(void *memory, LWLock *lock)
{
	ring = memory;
	ring->lock = lock;
	ring->kept_since = GetCurrentTimestamp();
}

const BevSharedArea bev_ended_area = {.name = "bugevents ended",
                                      .locked = true,
                                      .size = offsetof(Ring, entry),
                                      .more = entries_size,
                                      .init = init};

static BevEndedClient *
entry_at(uint64 number)
{
	return &ring->entry[number % (uint64) bev_ended_connections];
}

static uint64
oldest(void)
{
	return ring->added - Min(ring->added, (uint64) bev_ended_connections);
}

/* In the place of the oldest, if there is any place; under the lock. */
static void
append(const BevEndedClient *ended)
{
	BevEndedClient *entry;

	if (bev_ended_connections == 0)
	{
		ring->kept_since = ended->ended_at;
		return;
	}
	entry = entry_at(ring->added);
	if (ring->added >= (uint64) bev_ended_connections)
		ring->kept_since = Max(ring->kept_since, entry->ended_at);
	*entry = *ended;
	ring->added++;
}

void
bev_ended_add(const BevConnection *client, int code, const char *reason)
{
	BevEndedClient ended = {.client = *client, .ended_at = GetCurrentTimestamp(), .code = code};

	strlcpy(ended.reason, reason, sizeof(ended.reason));
	LWLockAcquire(ring->lock, LW_EXCLUSIVE);
	append(&ended);
	LWLockRelease(ring->lock);
}

/* The entry of this user's refusals for this reason; or NULL. */
static BevEndedClient *
find_refused(const char *user, const char *reason)
{
	for (uint64 i = oldest(); i < ring->added; i++)
	{
		BevEndedClient *entry = entry_at(i);

		if (entry->refusals > 0 && strcmp(entry->client.user, user) == 0 &&
		    strcmp(entry->reason, reason) == 0)
			return entry;
	}
	return NULL;
}

void
bev_ended_add_refused(const BevConnection *client, const char *reason)
{
	BevEndedClient ended = {.client = *client, .ended_at = GetCurrentTimestamp(), .refusals = 1};
	BevEndedClient *before;

	strlcpy(ended.reason, reason, sizeof(ended.reason));
	LWLockAcquire(ring->lock, LW_EXCLUSIVE);
	before = find_refused(client->user, reason);
	if (before)
	{
		before->ended_at = ended.ended_at;
		before->refusals += before->refusals < PG_INT32_MAX;
	}
	else
		append(&ended);
	LWLockRelease(ring->lock);
}

List *
bev_ended_of(const char *user)
{
	List *found = NIL;

	LWLockAcquire(ring->lock, LW_SHARED);
	for (uint64 i = oldest(); i < ring->added; i++)
	{
		BevEndedClient *copy;

		if (strcmp(entry_at(i)->client.user, user) != 0)
			continue;
		copy = palloc(sizeof(*copy));
		*copy = *entry_at(i);
		found = lappend(found, copy);
	}
	LWLockRelease(ring->lock);
	return found;
}

TimestampTz
bev_ended_kept_since(void)
{
	TimestampTz since;

	LWLockAcquire(ring->lock, LW_SHARED);
	since = ring->kept_since;
	LWLockRelease(ring->lock);
	return since;
}
