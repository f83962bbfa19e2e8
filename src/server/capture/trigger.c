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
 * of it is created or deleted.  An audience makes as many as there are clients: one
 * who loses sight of a row by an UPDATE is told moved_out, one who gains it created.
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

#include "server/capture/access_change.h"
#include "server/attach/row_audience.h"
#include "server/attach/mapping.h"
#include "server/capture/payload.h"
#include "server/capture/record.h"
#include "server/capture/row_event.h"
#include "server/base/settings.h"

PG_FUNCTION_INFO_V1(bugevents_capture);

/* What the row's change means for access goes with its first event only. */
static void
publish(BeRowEvent *event, const char *action, const char *audience)
{
	BeRecord   *record = &event->record;

	record->action = action;
	record->audience = audience;
	be_record_publish(record);
	record->access = (BeSpan) {NULL, 0};
}

/* A row that is there now, or isn't any more. */
static void
publish_whole(BeMapping *mapping, BeRow *row, const char *action, BeSpan access)
{
	BeRowEvent	event;

	be_row_event_begin(&event, mapping, row, NULL, NULL);
	event.record.access = access;
	publish(&event, action, be_row_event_audience(&event, action));
}

/* Who saw the row and doesn't any more is told which one it was, nothing else. */
static void
publish_moved_out(BeMapping *mapping, BeRow *old, const char *audience, BeSpan access)
{
	BeRecord	record = {
		.type = mapping->entity->name,
		.action = "moved_out",
		.audience = audience,
		.key = be_row_event_key(mapping, old),
		.project = be_payload_row_text(mapping, old, mapping->project),
		.bug = be_payload_row_text(mapping, old, mapping->bug),
		.payload = be_payload_identity(mapping, old),
		.access = access,
	};

	be_record_publish(&record);
}

/* A field whose change is an event of its own; such are never for admins only. */
static void
publish_field(BeRowEvent *event, int field, const char *action, const BeMove *move)
{
	event->record.changes = be_payload_change(&event->document, field);
	if (event->record.open_payload.len > 0)
		event->record.open_changes = event->record.changes;
	publish(event, action, event->row->audience ? move->kept
			: be_row_event_audience(event, action));
}

/* Does nothing change but what is for admins?  Then it is an event for them. */
static const char *
narrow_to_admins(const BeRowEvent *event, const BeMove *move)
{
	if (event->document.open_payload.len == 0 || event->document.open_changes.len > 0 ||
		move->gained)
		return move->kept;
	return psprintf("%s\n%c%s", move->kept, BE_AUDIENCE_ONLY, BE_PRINCIPAL_ADMIN);
}

static void
publish_changes(BeRowEvent *event, BeRow *new, const bool *changed, const BeMove *move)
{
	int			status = event->mapping->status;
	int			assignee = event->mapping->assignee;

	event->record.changes = event->document.changes;
	event->record.open_changes = event->document.open_changes;
	publish(event, "updated", narrow_to_admins(event, move));
	if (status >= 0 && changed[status])
		publish_field(event, status, "status_changed", move);
	if (assignee >= 0 && changed[assignee])
		publish_field(event, assignee, new->nulls[assignee] ? "unassigned" : "assigned",
					  move);
}

static const char *
audience_of_update(BeMapping *mapping, BeRow *row)
{
	if (row->audience)
		return row->audience;
	return be_audience_default(mapping->entity, "updated", be_entity_can_decide(mapping->entity)
							   ? be_payload_row_text(mapping, row, mapping->person) : "");
}

/* Was the row let through, so that somebody may do something, and is that not known now? */
static bool
may_have_left(const BeMapping *mapping, const BeRow *row)
{
	return mapping->decides && mapping->filter >= 0 && row->failed;
}

/*
 * A row may also move from one audience to another: a goodbye for those who lose
 * sight of it, ahead of the rest, and as good as created for those who gain it.
 */
static void
publish_update(BeMapping *mapping, BeRow *old, BeRow *new)
{
	bool	   *changed = palloc(sizeof(bool) * mapping->nfields);
	bool		any = be_rows_compare(mapping, old, new, changed);
	BeMove		move = be_audience_move(audience_of_update(mapping, old),
										audience_of_update(mapping, new));
	BeSpan		access;
	BeRowEvent	event;

	any |= may_have_left(mapping, new);
	if (!any && !move.lost && !move.gained)
		return;
	access = be_access_of_change(mapping, old, new);
	if (move.lost)
	{
		publish_moved_out(mapping, old, move.lost, access);
		access = (BeSpan) {NULL, 0};
	}
	be_row_event_begin(&event, mapping, new, old, changed);
	event.record.access = access;
	if (move.gained)
		publish(&event, "created", move.gained);
	if (any)
		publish_changes(&event, new, changed, &move);
}

static void
capture_one(BeMapping *mapping, TriggerData *trigger, bool inserted)
{
	BeRow		row;

	be_rows_read(mapping, trigger->tg_relation, &trigger->tg_trigslot, &row, 1);
	if (!row.wanted)
		return;
	if (inserted)
		publish_whole(mapping, &row, "created", be_access_of_change(mapping, NULL, &row));
	else
		publish_whole(mapping, &row, "deleted", be_access_of_change(mapping, &row, NULL));
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
		publish_whole(mapping, new, "created", be_access_of_change(mapping, NULL, new));
	else if (old->wanted)
		publish_whole(mapping, old, "deleted", be_access_of_change(mapping, old, NULL));
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
		capture_one(mapping, trigger, true);
	else if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		capture_one(mapping, trigger, false);
	else
		capture_update(mapping, trigger);
	return PointerGetDatum(NULL);
}
