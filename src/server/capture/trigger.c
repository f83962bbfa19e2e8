/*
 * trigger.c - the capture trigger: remembers which version of a row became which.
 *
 * Model: attach() puts the function on a table as an AFTER ... FOR EACH ROW
 * trigger.  It runs with the rights of whoever writes, which it doesn't need: it adds the places
 * of the two versions to the transaction's log of changes (row_log.c), and whether the key may
 * be another one now.  What the events are is found out when the transaction commits (forming.c).
 *
 * Memory: PostgreSQL runs AFTER triggers in a context that it empties after each row; nothing is
 * allocated in it.
 *
 * Failure: only a broken installation makes the writer fail (not preloaded, an argument that
 * attach() didn't write).
 *
 * Cost: about 1,000 instructions.
 *
 * What an operator asks
 *	Where is it?			bugevents.attachments.
 *	Why was there no event?	bugevents.explain_change().
 *
 * Not here: TRUNCATE (truncate.c), and the commit (commit.c).
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "server/base/compat.h"
#include "server/base/restore.h"
#include "server/base/settings.h"
#include "server/capture/pause.h"
#include "server/capture/record.h"
#include "server/capture/row_log.h"

BEV_FUNCTION_INFO_V1(bugevents_capture);
BEV_FUNCTION_INFO_V1(bugevents_capture_own);
BEV_FUNCTION_INFO_V1(bugevents_capture_lookup);

static void
check_caller(FunctionCallInfo fcinfo)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event) ||
	    !TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(ERROR,
		        (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
		         errmsg("bugevents.capture() must be called as a trigger AFTER ... FOR EACH ROW"),
		         errhint("Use bugevents.attach() and follow().")));
}

static void
log_change(TriggerData *trigger,
           void (*log)(Relation rel, Trigger *trigger, TupleTableSlot *old, TupleTableSlot *new))
{
	TupleTableSlot *row = trigger->tg_trigslot;
	TupleTableSlot *old = TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ? NULL : row;
	TupleTableSlot *new = TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ? row :
	                      TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ? NULL :
	                                                                   trigger->tg_newslot;

	if (bev_record_is_wanted() && !bev_capture_is_paused())
		log(trigger->tg_relation, trigger->tg_trigger, old, new);
}

Datum
bugevents_capture(PG_FUNCTION_ARGS)
{
	check_caller(fcinfo);
	bev_settings_require_preload();
	log_change((TriggerData *) fcinfo->context, bev_row_log);
	return PointerGetDatum(NULL);
}

Datum
bugevents_capture_own(PG_FUNCTION_ARGS)
{
	check_caller(fcinfo);
	if (((TriggerData *) fcinfo->context)->tg_trigger->tgnargs != 1)
		elog(ERROR, "bugevents.capture_own() is for the tables of bugevents");
	bev_settings_require_preload();
	/* What comes from a dump was published before, somewhere. */
	if (!bev_restore_is_running())
		log_change((TriggerData *) fcinfo->context, bev_row_log_own);
	return PointerGetDatum(NULL);
}

Datum
bugevents_capture_lookup(PG_FUNCTION_ARGS)
{
	check_caller(fcinfo);
	bev_settings_require_preload();
	log_change((TriggerData *) fcinfo->context, bev_row_log_lookup);
	return PointerGetDatum(NULL);
}
