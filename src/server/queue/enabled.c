/*
 * enabled.c - whether anything is captured: bugevents.enabled, as all sessions see
 * it at the same moment.
 *
 * Model: sessions take in a reload one by one, and a busy one late; so the setting
 * is the dispatcher's, and this word in shared memory is what triggers look at.  A
 * server begins with it on.
 *
 * A transaction that wrote while it was off, and goes on when it is on again, would
 * publish a part of its work.  So the transaction id of the moment is kept, and
 * the stream begins when all transactions before it have ended.
 */
#include "server/queue/enabled.h"

#include "access/transam.h"
#include "port/atomics.h"
#include "server/base/compat.h"

typedef struct Enabled
{
	pg_atomic_uint32 off;
	TransactionId settling; /* those before it; invalid: settled */
} Enabled;

static Enabled *shared;

static void
init(void *memory, LWLock *lock pg_attribute_unused())
{
	shared = memory;
	pg_atomic_init_u32(&shared->off, 0);
	shared->settling = InvalidTransactionId;
}

const BevSharedArea bev_enabled_area = {
	.name = "bugevents enabled", .size = sizeof(Enabled), .init = init};

bool
bev_enabled_is_on(void)
{
	return pg_atomic_read_u32(&shared->off) == 0;
}

void
bev_enabled_turn_off(void)
{
	pg_atomic_write_u32(&shared->off, 1);
}

void
bev_enabled_turn_on(void)
{
	/* Whoever gets an id from here on sees it on. */
	pg_atomic_write_u32(&shared->off, 0);
	pg_memory_barrier();
	shared->settling = ReadNextTransactionId();
}

bool
bev_enabled_is_settling(void)
{
	if (TransactionIdIsValid(shared->settling) &&
	    !TransactionIdPrecedes(bev_oldest_active_transaction(), shared->settling))
		shared->settling = InvalidTransactionId;
	return TransactionIdIsValid(shared->settling);
}
