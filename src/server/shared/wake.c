/*
 * wake.c - the triggers that tell workers that there is something to do.
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "server/base/worker_registry.h"
#include "server/base/settings.h"
#include "server/base/compat.h"

BEV_FUNCTION_INFO_V1(bugevents_wake_courier);
BEV_FUNCTION_INFO_V1(bugevents_wake_projector);

static Datum
wake(FunctionCallInfo fcinfo, BevWorkerKind worker)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		elog(ERROR, "a function that wakes a worker is a trigger");
	if (bev_settings_are_preloaded())
		bev_worker_registry_wake_at_commit(worker);
	return PointerGetDatum(NULL);
}

Datum
bugevents_wake_courier(PG_FUNCTION_ARGS)
{
	return wake(fcinfo, BEV_WORKER_COURIER);
}

Datum
bugevents_wake_projector(PG_FUNCTION_ARGS)
{
	return wake(fcinfo, BEV_WORKER_PROJECTOR);
}
