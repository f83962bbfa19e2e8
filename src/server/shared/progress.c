/*
 * progress.c - how far the projector has come, for other processes.
 */
#include "server/shared/progress.h"

#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

#define UNKNOWN PG_UINT64_MAX

static pg_atomic_uint64 *progress;

void
bev_progress_request(void)
{
	RequestAddinShmemSpace(MAXALIGN(sizeof(*progress)));
}

void
bev_progress_startup(void)
{
	bool found;

	progress = ShmemInitStruct("bugevents projector", sizeof(*progress), &found);
	if (!found)
		pg_atomic_init_u64(progress, UNKNOWN);
}

static void
leave(int code pg_attribute_unused(), Datum arg pg_attribute_unused())
{
	bev_progress_set(UNKNOWN);
}

void
bev_progress_begin(void)
{
	before_shmem_exit(leave, 0);
}

void
bev_progress_set(uint64 seq)
{
	pg_atomic_write_u64(progress, seq);
}

bool
bev_progress_get(uint64 *seq)
{
	*seq = pg_atomic_read_u64(progress);
	return *seq != UNKNOWN;
}
