/*
 * wake.c - the trigger that tells the courier of deliveries.
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "server/base/worker_registry.h"
#include "server/base/settings.h"
#include "server/base/compat.h"

BEV_FUNCTION_INFO_V1(bugevents_wake_courier);

Datum
bugevents_wake_courier(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		elog(ERROR, "bugevents.wake_courier() is a trigger");
	if (bev_settings_are_preloaded())
		bev_worker_registry_wake_at_commit(BEV_WORKER_COURIER);
	return PointerGetDatum(NULL);
}
