/*
 * wake.c - the trigger that tells the courier of deliveries.
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "server/shared/worker_registry.h"
#include "server/base/settings.h"
#include "fmgr.h"

PG_FUNCTION_INFO_V1(bugevents_wake_courier);

Datum
bugevents_wake_courier(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		elog(ERROR, "bugevents.wake_courier() is a trigger");
	if (be_settings_are_preloaded())
		be_presence_wake_at_commit(BE_WORKER_COURIER);
	return PointerGetDatum(NULL);
}
