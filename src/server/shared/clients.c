/*
 * clients.c - the table of connected clients in shared memory.
 *
 * Concurrency: the dispatcher writes a slot under its change count, odd while it
 * writes, as pg_stat_activity's entries are written; readers copy until they saw
 * the same even count before and after.  So readers don't hold the dispatcher up.
 * That a client be disconnected is asked for rarely, under a lock.
 *
 * Failure: the dispatcher clears the table when it starts, since the gateways of
 * its predecessor are gone.
 */
#include "server/shared/clients.h"

#include "server/base/settings.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

typedef struct Slot
{
	pg_atomic_uint32 change; /* odd: being written */
	bool used;
	bool disconnect; /* under the table's lock */
	char reason[BEV_CLIENT_REASON_LEN];
	BevConnection client;
} Slot;

typedef struct Table
{
	LWLock *lock;    /* disconnect, reason, disconnects */
	int disconnects; /* slots that ask for it */
	int capacity;
	pg_atomic_uint32 count;   /* of the used ones */
	pg_atomic_uint32 lagging; /* of them */
	int first_free;           /* no free slot below it; the dispatcher's own */
	Slot slot[FLEXIBLE_ARRAY_MEMBER];
} Table;

static Table *table;

static Size
slots_size(void)
{
	return mul_size(bev_max_connections, sizeof(Slot));
}

static void
init(void *memory, LWLock *lock)
{
	table = memory;
	table->lock = lock;
	table->capacity = bev_max_connections;
	pg_atomic_init_u32(&table->count, 0);
	pg_atomic_init_u32(&table->lagging, 0);
	for (int i = 0; i < table->capacity; i++)
		pg_atomic_init_u32(&table->slot[i].change, 0);
}

const BevSharedArea bev_clients_area = {.name = "bugevents clients",
                                        .locked = true,
                                        .size = offsetof(Table, slot),
                                        .more = slots_size,
                                        .init = init};

int
bev_clients_capacity(void)
{
	return table->capacity;
}

static void
begin_change(Slot *slot)
{
	pg_atomic_write_u32(&slot->change, pg_atomic_read_u32(&slot->change) + 1);
	pg_write_barrier();
}

static void
end_change(Slot *slot)
{
	pg_write_barrier();
	pg_atomic_write_u32(&slot->change, pg_atomic_read_u32(&slot->change) + 1);
}

static void
add_to(pg_atomic_uint32 *number, int n)
{
	pg_atomic_write_u32(number, pg_atomic_read_u32(number) + n);
}

int
bev_clients_add(const BevConnection *client)
{
	int i = table->first_free;
	Slot *slot;

	while (i < table->capacity && table->slot[i].used)
		i++;
	table->first_free = i;
	if (i == table->capacity)
		return -1;

	slot = &table->slot[i];
	begin_change(slot);
	slot->client = *client;
	slot->used = true;
	end_change(slot);
	add_to(&table->count, 1);
	add_to(&table->lagging, client->lags);
	return i;
}

void
bev_clients_update(int i, uint64 start, uint64 cursor, uint64 sent, uint64 received, bool lags)
{
	Slot *slot = &table->slot[i];

	add_to(&table->lagging, lags - slot->client.lags);
	begin_change(slot);
	slot->client.lags = lags;
	slot->client.start = start;
	slot->client.cursor = cursor;
	slot->client.sent = sent;
	slot->client.received = received;
	end_change(slot);
}

void
bev_clients_set_expiry(int i, TimestampTz expires_at)
{
	Slot *slot = &table->slot[i];

	begin_change(slot);
	slot->client.expires_at = expires_at;
	end_change(slot);
}

void
bev_clients_set_protocol(int i, BevClientProtocol protocol)
{
	Slot *slot = &table->slot[i];

	if (slot->client.protocol == protocol)
		return;
	begin_change(slot);
	slot->client.protocol = protocol;
	end_change(slot);
}

void
bev_clients_set_role(int i, const char *role)
{
	Slot *slot = &table->slot[i];

	begin_change(slot);
	strlcpy(slot->client.role, role, sizeof(slot->client.role));
	end_change(slot);
}

void
bev_clients_set_subscription(int i, BevSpan subscription, TimestampTz at)
{
	Slot *slot = &table->slot[i];

	begin_change(slot);
	memcpy(slot->client.subscription, subscription.data, subscription.len);
	slot->client.subscription_len = subscription.len;
	slot->client.subscription_at = at;
	end_change(slot);
}

void
bev_clients_remove(int i)
{
	Slot *slot = &table->slot[i];

	add_to(&table->count, -1);
	add_to(&table->lagging, -slot->client.lags);
	begin_change(slot);
	slot->used = false;
	end_change(slot);

	LWLockAcquire(table->lock, LW_EXCLUSIVE);
	if (slot->disconnect)
		table->disconnects--;
	slot->disconnect = false;
	LWLockRelease(table->lock);
	table->first_free = Min(table->first_free, i);
}

void
bev_clients_clear(void)
{
	for (int i = 0; i < table->capacity; i++)
	{
		/* A predecessor may have died while it wrote. */
		if (pg_atomic_read_u32(&table->slot[i].change) % 2 != 0)
			end_change(&table->slot[i]);
		if (table->slot[i].used)
			bev_clients_remove(i);
	}
	table->first_free = 0;
	pg_atomic_write_u32(&table->count, 0);
	pg_atomic_write_u32(&table->lagging, 0);
}

int
bev_clients_count(int *lagging)
{
	*lagging = (int) pg_atomic_read_u32(&table->lagging);
	return (int) pg_atomic_read_u32(&table->count);
}

bool
bev_clients_get(int i, BevConnection *client)
{
	Slot *slot = &table->slot[i];
	bool used;
	uint32 before;

	do
	{
		CHECK_FOR_INTERRUPTS();
		before = pg_atomic_read_u32(&slot->change);
		pg_read_barrier();
		used = slot->used;
		if (used)
			*client = slot->client;
		pg_read_barrier();
	} while (before % 2 != 0 || before != pg_atomic_read_u32(&slot->change));
	return used;
}

bool
bev_clients_ask_disconnect(const char *id, const char *reason)
{
	BevConnection client;

	for (int i = 0; i < table->capacity; i++)
	{
		Slot *slot = &table->slot[i];

		if (!bev_clients_get(i, &client) || strcmp(client.id, id) != 0)
			continue;
		LWLockAcquire(table->lock, LW_EXCLUSIVE);
		if (!slot->disconnect)
			table->disconnects++;
		slot->disconnect = true;
		strlcpy(slot->reason, reason, sizeof(slot->reason));
		LWLockRelease(table->lock);
		return true;
	}
	return false;
}

bool
bev_clients_next_disconnect(int *index, char *reason)
{
	bool found = false;

	LWLockAcquire(table->lock, LW_EXCLUSIVE);
	for (int i = 0; i < table->capacity && table->disconnects > 0 && !found; i++)
	{
		Slot *slot = &table->slot[i];

		if (!slot->disconnect)
			continue;
		slot->disconnect = false;
		table->disconnects--;
		*index = i;
		strlcpy(reason, slot->reason, BEV_CLIENT_REASON_LEN);
		found = true;
	}
	LWLockRelease(table->lock);
	return found;
}
