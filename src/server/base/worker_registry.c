/*
 * worker_registry.c - the workers that are kept running, for those who start and wake them.
 *
 * Concurrency: a worker claims its place by compare-and-swap and gives it back at exit.
 * The latch of a process that has just ended may be set: harmless, as whoever has
 * it next looks again.
 */
#include "server/base/worker_registry.h"

#include "server/base/clock.h"
#include "server/base/compat.h"
#include "server/base/worker.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/proc.h"

#define NOBODY         UINT32_MAX
#define START_INTERVAL 5000 /* ms */

/* Indexes of PGPROCs, or NOBODY. */
static pg_atomic_uint32 *workers;

static const BevKeptWorker *kept[BEV_WORKERS];

void
bev_worker_registry_add(BevWorkerKind kind, const BevKeptWorker *worker)
{
	kept[kind] = worker;
}

static void
init(void *memory, LWLock *lock pg_attribute_unused())
{
	workers = memory;
	for (int i = 0; i < BEV_WORKERS; i++)
		pg_atomic_init_u32(&workers[i], NOBODY);
}

const BevSharedArea bev_worker_registry_area = {
	.name = "bugevents workers", .size = sizeof(pg_atomic_uint32) * BEV_WORKERS, .init = init};

static void
leave(int code pg_attribute_unused(), Datum kind)
{
	pg_atomic_write_u32(&workers[DatumGetInt32(kind)], NOBODY);
}

bool
bev_worker_registry_begin(BevWorkerKind kind)
{
	uint32 nobody = NOBODY;

	if (!pg_atomic_compare_exchange_u32(&workers[kind], &nobody, BEV_MY_PGPROC))
		return false;
	before_shmem_exit(leave, Int32GetDatum(kind));
	return true;
}

bool
bev_worker_registry_is_running(BevWorkerKind kind)
{
	return pg_atomic_read_u32(&workers[kind]) != NOBODY;
}

void
bev_worker_registry_look_after(void)
{
	static TimestampTz next_start[BEV_WORKERS];

	for (int kind = 0; kind < BEV_WORKERS; kind++)
	{
		BackgroundWorker worker = bev_worker_describe(kept[kind]->name);

		if (kept[kind]->is_wanted() && !bev_worker_registry_is_running((BevWorkerKind) kind) &&
		    bev_clock_every(&next_start[kind], START_INTERVAL))
			(void) bev_worker_start(&worker, kept[kind]->loss, NULL);
	}
}

void
bev_worker_registry_wake(BevWorkerKind kind)
{
	uint32 process = pg_atomic_read_u32(&workers[kind]);

	if (process != NOBODY)
		SetLatch(&ProcGlobal->allProcs[process].procLatch);
}

static bool wakes[BEV_WORKERS]; /* of the transaction */

void
bev_worker_registry_wake_at_commit(BevWorkerKind kind)
{
	wakes[kind] = pg_atomic_read_u32(&workers[kind]) != BEV_MY_PGPROC;
}

void
bev_worker_registry_end_transaction(bool committed)
{
	for (int kind = 0; kind < BEV_WORKERS; kind++)
	{
		if (wakes[kind] && committed)
			bev_worker_registry_wake((BevWorkerKind) kind);
		wakes[kind] = false;
	}
}
