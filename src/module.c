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
#include "server/base/worker_registry.h"
#include "server/shared/progress.h"
#include "server/queue/queue.h"
#include "server/queue/enabled.h"
#include "server/shared/counters.h"
#include "storage/ipc.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

static shmem_request_hook_type previous_shmem_request_hook = NULL;
static shmem_startup_hook_type previous_shmem_startup_hook = NULL;

static void
request_shmem(void)
{
	if (previous_shmem_request_hook)
		previous_shmem_request_hook();
	bev_queue_request();
	bev_clients_request();
	bev_ended_request();
	bev_database_request();
	bev_enabled_request();
	bev_counters_request();
	bev_worker_registry_request();
	bev_progress_request();
	bev_delivery_counters_request();
}

static void
startup_shmem(void)
{
	if (previous_shmem_startup_hook)
		previous_shmem_startup_hook();
	bev_queue_startup();
	bev_clients_startup();
	bev_ended_startup();
	bev_database_startup();
	bev_enabled_startup();
	bev_counters_startup();
	bev_worker_registry_startup();
	bev_progress_startup();
	bev_delivery_counters_startup();
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
