/*
 * module.c - loading the library into the server.
 *
 * Model: everything happens in the postmaster, while it preloads libraries.  A
 * library that is loaded later (CREATE EXTENSION without preloading) defines
 * nothing, and each SQL function says what to set.
 */
#include "postgres.h"

#include "server/capture/hooks.h"
#include "server/shared/clients.h"
#include "server/shared/ended.h"
#include "server/dispatcher/database.h"
#include "server/dispatcher/dispatcher.h"
#include "notify/courier/courier.h"
#include "notify/projector/projector.h"
#include "server/base/settings.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "server/shared/delivery_counters.h"
#include "server/shared/expression_stats.h"
#include "server/base/worker_registry.h"
#include "server/shared/progress.h"
#include "server/shared/samples.h"
#include "server/queue/queue.h"
#include "server/queue/enabled.h"
#include "server/shared/counters.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

static shmem_request_hook_type previous_shmem_request_hook = NULL;
static shmem_startup_hook_type previous_shmem_startup_hook = NULL;

static const BevSharedArea *const areas[] = {
	&bev_queue_area,    &bev_enabled_area,           &bev_clients_area,  &bev_ended_area,
	&bev_counters_area, &bev_delivery_counters_area, &bev_progress_area, &bev_worker_registry_area,
	&bev_database_area, &bev_expression_stats_area,  &bev_samples_area};

static Size
size_of(const BevSharedArea *area)
{
	return area->more ? add_size(area->size, area->more()) : area->size;
}

static void
request_shmem(void)
{
	if (previous_shmem_request_hook)
		previous_shmem_request_hook();
	for (size_t i = 0; i < lengthof(areas); i++)
	{
		RequestAddinShmemSpace(CACHELINEALIGN(size_of(areas[i])));
		if (areas[i]->locked)
			RequestNamedLWLockTranche(areas[i]->name, 1);
	}
}

static void
make_area(const BevSharedArea *area)
{
	bool found;
	void *memory = ShmemInitStruct(area->name, size_of(area), &found);

	Assert(!found && (uintptr_t) memory % PG_CACHE_LINE_SIZE == 0);
	memset(memory, 0, size_of(area));
	area->init(memory, area->locked ? &GetNamedLWLockTranche(area->name)->lock : NULL);
}

static void
startup_shmem(void)
{
	if (previous_shmem_startup_hook)
		previous_shmem_startup_hook();
	for (size_t i = 0; i < lengthof(areas); i++)
		make_area(areas[i]);
}

void
_PG_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;

	bev_settings_define();

	previous_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = request_shmem;
	previous_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = startup_shmem;
	bev_hooks_install();

	/* pg_upgrade moves files; nothing may connect or write meanwhile. */
	if (IsBinaryUpgrade)
		return;
	bev_projector_register();
	bev_courier_register();
	bev_dispatcher_register();
}
