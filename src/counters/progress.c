/*
 * progress.c - how far the projector has come, for other processes, and waking it.
 *
 * Concurrency: the projector's process number is claimed by compare-and-swap and given
 * back at exit.  The latch of a process that has just ended may be set: harmless, as
 * whoever has it next looks again.
 */
#include "counters/progress.h"

#include "extension/compat.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "storage/shmem.h"

#define NOBODY	UINT32_MAX
#define UNKNOWN	PG_UINT64_MAX

typedef struct Progress
{
	pg_atomic_uint32 process;	/* index of the projector's PGPROC, or NOBODY */
	pg_atomic_uint64 seq;
} Progress;

static Progress *progress;

void
be_progress_request(void)
{
	RequestAddinShmemSpace(MAXALIGN(sizeof(Progress)));
}

void
be_progress_startup(void)
{
	bool		found;

	progress = ShmemInitStruct("bugevents projector", sizeof(Progress), &found);
	if (found)
		return;
	pg_atomic_init_u32(&progress->process, NOBODY);
	pg_atomic_init_u64(&progress->seq, UNKNOWN);
}

static void
leave(int code pg_attribute_unused(), Datum arg pg_attribute_unused())
{
	pg_atomic_write_u64(&progress->seq, UNKNOWN);
	pg_atomic_write_u32(&progress->process, NOBODY);
}

bool
be_progress_begin(void)
{
	uint32		nobody = NOBODY;

	if (!pg_atomic_compare_exchange_u32(&progress->process, &nobody, BE_MY_PGPROC))
		return false;
	before_shmem_exit(leave, 0);
	return true;
}

void
be_progress_set(uint64 seq)
{
	pg_atomic_write_u64(&progress->seq, seq);
}

bool
be_progress_get(uint64 *seq)
{
	*seq = pg_atomic_read_u64(&progress->seq);
	return *seq != UNKNOWN;
}

bool
be_progress_is_running(void)
{
	return pg_atomic_read_u32(&progress->process) != NOBODY;
}

void
be_progress_wake(void)
{
	uint32		process = pg_atomic_read_u32(&progress->process);

	if (process != NOBODY)
		SetLatch(&ProcGlobal->allProcs[process].procLatch);
}
