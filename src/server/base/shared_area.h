/*
 * shared_area.h - an area of shared memory, as the module that owns it describes it.
 *
 * module.c asks for them all while the library is preloaded, and has them made when the server
 * starts; anew, when it starts again after a crash.  The processes inherit their addresses.
 */
#ifndef BEV_SERVER_BASE_SHARED_AREA_H
#define BEV_SERVER_BASE_SHARED_AREA_H

#include "postgres.h"

#include "storage/lwlock.h"

typedef struct BevSharedArea
{
	const char *name;   /* in pg_shmem_allocations; and of the lock, in pg_stat_activity */
	bool locked;        /* it has a lock */
	Size size;          /* what doesn't depend on settings */
	Size (*more)(void); /* what does; NULL: nothing */

	/* Note where it is, and begin: it is zeroed, and lies on cache lines of its own. */
	void (*init)(void *memory, LWLock *lock);
} BevSharedArea;

#endif /* BEV_SERVER_BASE_SHARED_AREA_H */
