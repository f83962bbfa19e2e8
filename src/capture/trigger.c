/*
 * trigger.c - the capture trigger: a changed row becomes events.
 *
 * Model: attach() puts the function on a table as an AFTER ... FOR EACH ROW
 * trigger.  It runs with the rights of whoever writes, which it doesn't need:
 * it reads only the row it is given, and adds events to the transaction's
 * (pending.h).
 *
 *	INSERT		created
 *	DELETE		deleted, with the old row
 *	UPDATE		updated, if a field of the payload differs; then status_changed,
 *				assigned or unassigned where those fields do
 *
 * A filter makes a view of the table, and a row that an UPDATE moves in or out
 * of it is created or deleted.
 *
 * Memory: PostgreSQL runs AFTER triggers in a context that it empties after
 * each row.  What is kept for the session: mappings, and the buffers that
 * documents are written into.
 *
 * Failure: no content of a row makes the writer fail.  Only a broken
 * installation does (not preloaded, an argument that attach() didn't write).
 *
 * Not here: TRUNCATE (truncate.c), and the commit (commit.c).
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "fmgr.h"

#include "capture/audience.h"
#include "capture/mapping.h"
#include "capture/payload.h"
#include "capture/record.h"
#include "capture/row.h"
#include "extension/settings.h"

PG_FUNCTION_INFO_V1(bugevents_capture);

/* An event of a row that is about to be published, once for each action. */
typedef struct RowEvent
{
	BeMapping  *mapping;
	BeRow	   *row;
	BePayload	document;
	BeRecord	record;
} RowEvent;

static void
begin_event(RowEvent *event, BeMapping *mapping, BeRow *row, BeRow *old,
			const bool *changed)
{
	event->mapping = mapping;
	event->row = row;
	be_payload_write(&event->document, mapping, row, old, changed);

	event->record.type = mapping->entity->name;
	event->record.key = be_payload_text(&event->document, mapping->key);
	event->record.project = be_payload_text(&event->document, mapping->project);
	event->record.bug = be_payload_text(&event->document, mapping->bug);
	event->record.payload = event->document.payload;
}

static void
publish(RowEvent *event, const char *action, BeSpan changes)
{
	BeRecord   *record = &event->record;

	record->action = action;
	record->changes = changes;
	record->audience = event->row->audience
		? event->row->audience
		: be_audience_default(event->mapping->entity, action, record->key);
	be_record_publish(record);
}

/* A row that is there now, or isn't any more. */
static void
publish_whole(BeMapping *mapping, BeRow *row, const char *action)
{
	BeSpan		none = {NULL, 0};
	RowEvent	event;

	if (!row->wanted)
		return;
	begin_event(&event, mapping, row, NULL, NULL);
	publish(&event, action, none);
}

static void
publish_update(BeMapping *mapping, BeRow *old, BeRow *new)
{
	bool	   *changed = palloc(sizeof(bool) * mapping->nfields);
	int			status = mapping->status;
	int			assignee = mapping->assignee;
	RowEvent	event;

	if (!be_rows_compare(mapping, old, new, changed))
		return;

	begin_event(&event, mapping, new, old, changed);
	publish(&event, "updated", event.document.changes);
	if (status >= 0 && changed[status])
		publish(&event, "status_changed", be_payload_change(&event.document, status));
	if (assignee >= 0 && changed[assignee])
		publish(&event, new->nulls[assignee] ? "unassigned" : "assigned",
				be_payload_change(&event.document, assignee));
}

static void
capture_one(BeMapping *mapping, TriggerData *trigger, const char *action)
{
	BeRow		row;

	be_rows_read(mapping, trigger->tg_relation, &trigger->tg_trigslot, &row, 1);
	publish_whole(mapping, &row, action);
}

static void
capture_update(BeMapping *mapping, TriggerData *trigger)
{
	TupleTableSlot *slots[2] = {trigger->tg_trigslot, trigger->tg_newslot};
	BeRow		rows[2];
	BeRow	   *old = &rows[0];
	BeRow	   *new = &rows[1];

	be_rows_read(mapping, trigger->tg_relation, slots, rows, 2);
	if (old->wanted && new->wanted)
		publish_update(mapping, old, new);
	else if (new->wanted)
		publish_whole(mapping, new, "created");
	else
		publish_whole(mapping, old, "deleted");
}

static void
check_caller(FunctionCallInfo fcinfo)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_AFTER(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("bugevents.capture() must be called as a trigger AFTER ... FOR EACH ROW"),
				 errhint("Use bugevents.attach().")));
}

Datum
bugevents_capture(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	BeMapping  *mapping;

	check_caller(fcinfo);
	be_settings_require_preload();
	if (!be_record_is_wanted())
		return PointerGetDatum(NULL);

	mapping = be_mapping_get(trigger->tg_relation, trigger->tg_trigger);
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		capture_one(mapping, trigger, "created");
	else if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		capture_one(mapping, trigger, "deleted");
	else
		capture_update(mapping, trigger);
	return PointerGetDatum(NULL);
}
