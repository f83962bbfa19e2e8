/*
 * truncate.c - the trigger for TRUNCATE: one event for all the rows.
 *
 * PostgreSQL doesn't say which rows were there, so the event only names the
 * table, and whoever shows its rows reads them again.  Of a partition that is truncated by its own
 * name each row is told (ddl.c).  A logical replication worker truncates without a command: what
 * was logged before is lost then, and told as such (test/t/115_apply.pl).
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "server/base/compat.h"

#include "server/attach/attachment.h"
#include "server/capture/notice.h"
#include "server/capture/record.h"
#include "server/base/settings.h"

BEV_FUNCTION_INFO_V1(bugevents_capture_truncate);

Datum
bugevents_capture_truncate(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	BevAttachment *attachment;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event) ||
	    !TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event) || trigger->tg_trigger->tgnargs != 1)
		ereport(ERROR,
		        (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
		         errmsg("bugevents.capture_truncate() must be called as a trigger AFTER TRUNCATE"),
		         errhint("Use bugevents.attach().")));
	bev_settings_require_preload();
	if (!bev_record_is_wanted())
		return PointerGetDatum(NULL);

	attachment =
		bev_attachment_read(trigger->tg_trigger->tgargs[0], RelationGetRelid(trigger->tg_relation));
	bev_notice_log(bev_notice_name(RelationGetRelid(trigger->tg_relation)), attachment,
	               BEV_NOTICE_TRUNCATED);
	return PointerGetDatum(NULL);
}
