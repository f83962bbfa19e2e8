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
#include "server/base/compat.h"

#include "server/capture/access_change.h"
#include "server/attach/row_audience.h"
#include "server/attach/mapping.h"
#include "server/capture/payload.h"
#include "server/capture/record.h"
#include "server/capture/row_event.h"
#include "server/base/settings.h"

BEV_FUNCTION_INFO_V1(bugevents_capture);

/* What the row's change means for access goes with its first event only. */
static void
publish(BevRowEvent *event, const char *action, const char *audience)
{
	BevRecord *record = &event->record;

	record->action = action;
	record->audience = audience;
	bev_record_publish(record);
	record->access = (BevSpan){NULL, 0};
}

/* A row that is there now, or isn't any more. */
static void
publish_whole(BevMapping *mapping, BevRow *row, const char *action, BevSpan access)
{
	BevRowEvent event;

	bev_row_event_begin(&event, mapping, row, NULL, NULL);
	event.record.access = access;
	publish(&event, action, bev_row_event_audience(&event, action));
}

/* Who saw the row and doesn't any more is told which one it was, nothing else. */
static void
publish_moved_out(BevMapping *mapping, BevRow *old, const char *audience, BevSpan access)
{
	BevRecord record = {
		.type = mapping->entity->name,
		.action = "moved_out",
		.audience = audience,
		.key = bev_row_event_key(mapping, old),
		.project = bev_payload_row_text(mapping, old, mapping->project),
		.bug = bev_payload_row_text(mapping, old, mapping->bug),
		.payload = bev_payload_identity(mapping, old),
		.access = access,
	};

	bev_record_publish(&record);
}

/* A field whose change is an event of its own; such are never for admins only. */
static void
publish_field(BevRowEvent *event, int field, const char *action, const BevMove *move)
{
	event->record.changes = bev_payload_change(&event->document, field);
	if (event->record.open_payload.len > 0)
		event->record.open_changes = event->record.changes;
	publish(event, action,
	        event->row->audience ? move->kept : bev_row_event_audience(event, action));
}

/* Does nothing change but what is for admins?  Then it is an event for them. */
static const char *
narrow_to_admins(const BevRowEvent *event, const BevMove *move)
{
	if (event->document.open_payload.len == 0 || event->document.open_changes.len > 0 ||
	    move->gained)
		return move->kept;
	return psprintf("%s\n%c%s", move->kept, BEV_AUDIENCE_ONLY, BEV_PRINCIPAL_ADMIN);
}

static void
publish_changes(BevRowEvent *event, BevRow *new, const bool *changed, const BevMove *move)
{
	int status = event->mapping->status;
	int assignee = event->mapping->assignee;

	event->record.changes = event->document.changes;
	event->record.open_changes = event->document.open_changes;
	publish(event, "updated", narrow_to_admins(event, move));
	if (status >= 0 && changed[status])
		publish_field(event, status, "status_changed", move);
	if (assignee >= 0 && changed[assignee])
		publish_field(event, assignee, new->nulls[assignee] ? "unassigned" : "assigned", move);
}

static const char *
audience_of_update(BevMapping *mapping, BevRow *row)
{
	if (row->audience)
		return row->audience;
	return bev_row_audience_default(mapping->entity, "updated",
	                                bev_entity_can_decide(mapping->entity) ?
	                                    bev_payload_row_text(mapping, row, mapping->person) :
	                                    "");
}

/* Was the row let through, so that somebody may do something, and is that not known now? */
static bool
may_have_left(const BevMapping *mapping, const BevRow *row)
{
	return mapping->decides && mapping->filter >= 0 && row->failed;
}

/*
 * A row may also move from one audience to another: a goodbye for those who lose
 * sight of it, ahead of the rest, and as good as created for those who gain it.
 */
static void
publish_update(BevMapping *mapping, BevRow *old, BevRow *new)
{
	bool *changed = palloc(sizeof(bool) * mapping->nfields);
	bool any = bev_rows_compare(mapping, old, new, changed);
	BevMove move =
		bev_row_audience_move(audience_of_update(mapping, old), audience_of_update(mapping, new));
	BevSpan access;
	BevRowEvent event;

	any |= may_have_left(mapping, new);
	if (!any && !move.lost && !move.gained)
		return;
	access = bev_access_change_append(mapping, old, new);
	if (move.lost)
	{
		publish_moved_out(mapping, old, move.lost, access);
		access = (BevSpan){NULL, 0};
	}
	bev_row_event_begin(&event, mapping, new, old, changed);
	event.record.access = access;
	if (move.gained)
		publish(&event, "created", move.gained);
	if (any)
		publish_changes(&event, new, changed, &move);
}

static void
capture_one(BevMapping *mapping, TriggerData *trigger, bool inserted)
{
	BevRow row;

	bev_rows_read(mapping, trigger->tg_relation, &trigger->tg_trigslot, &row, 1);
	if (!row.wanted)
		return;
	if (inserted)
		publish_whole(mapping, &row, "created", bev_access_change_append(mapping, NULL, &row));
	else
		publish_whole(mapping, &row, "deleted", bev_access_change_append(mapping, &row, NULL));
}

static void
capture_update(BevMapping *mapping, TriggerData *trigger)
{
	TupleTableSlot *slots[2] = {trigger->tg_trigslot, trigger->tg_newslot};
	BevRow rows[2];
	BevRow *old = &rows[0];
	BevRow *new = &rows[1];

	bev_rows_read(mapping, trigger->tg_relation, slots, rows, 2);
	if (old->wanted && new->wanted)
		publish_update(mapping, old, new);
	else if (new->wanted)
		publish_whole(mapping, new, "created", bev_access_change_append(mapping, NULL, new));
	else if (old->wanted)
		publish_whole(mapping, old, "deleted", bev_access_change_append(mapping, old, NULL));
}

static void
check_caller(FunctionCallInfo fcinfo)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event) ||
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
	BevMapping *mapping;

	check_caller(fcinfo);
	bev_settings_require_preload();
	if (!bev_record_is_wanted())
		return PointerGetDatum(NULL);

	mapping = bev_mapping_get(trigger->tg_relation, trigger->tg_trigger);
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		capture_one(mapping, trigger, true);
	else if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		capture_one(mapping, trigger, false);
	else
		capture_update(mapping, trigger);
	return PointerGetDatum(NULL);
}
