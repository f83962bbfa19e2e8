/*
 * progress.c - how far the projector has come, for other processes.
 */
#include "server/shared/progress.h"

#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"

#define UNKNOWN PG_UINT64_MAX

typedef struct Progress
{
	pg_atomic_uint64 told;
	pg_atomic_uint64 gathered;
} Progress;

static Progress *progress;

static void
init(void *memory, LWLock *lock pg_attribute_unused())
{
	progress = memory;
	pg_atomic_init_u64(&progress->told, UNKNOWN);
	pg_atomic_init_u64(&progress->gathered, UNKNOWN);
}

const BevSharedArea bev_progress_area = {
	.name = "bugevents projector", .size = sizeof(*progress), .init = init};

static void
leave(int code pg_attribute_unused(), Datum arg pg_attribute_unused())
{
	bev_progress_set(UNKNOWN, UNKNOWN);
}

void
bev_progress_begin(void)
{
	before_shmem_exit(leave, 0);
}

void
bev_progress_set(uint64 told, uint64 gathered)
{
	pg_atomic_write_u64(&progress->gathered, gathered);
	pg_atomic_write_u64(&progress->told, told);
}

bool
bev_progress_get(uint64 *told)
{
	*told = pg_atomic_read_u64(&progress->told);
	return *told != UNKNOWN;
}

bool
bev_progress_get_gathered(uint64 *gathered)
{
	*gathered = pg_atomic_read_u64(&progress->gathered);
	return *gathered != UNKNOWN;
}
