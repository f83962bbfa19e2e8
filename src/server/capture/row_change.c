/*
 * row_change.c - the events of a row that is another one after a transaction than before.
 *
 *	came		created
 *	went		deleted, with the old row
 *	changed		updated, if a field of the payload differs; then status_changed,
 *				assigned or unassigned where those fields do
 *	rekeyed		deleted under the old key, created under the new one
 *
 * A filter makes a view of the table, and a row that moves in or out of it is
 * created or deleted.  An audience makes as many as there are clients: one who loses sight of a
 * row is told moved_out, one who gains it created.
 */
#include "server/capture/row_change.h"

#include "server/attach/row_audience.h"
#include "server/capture/access_change.h"
#include "server/capture/payload.h"
#include "server/capture/provisional.h"
#include "server/capture/record.h"
#include "server/capture/row_event.h"

/* A row that changed, its two versions, and what is the same for all its events. */
typedef struct Change
{
	BevMapping *mapping;
	BevRow *old;
	BevRow *new;
	const bool *changed; /* by field */
	const char *actor;
	BevMove move; /* of who may see it */
} Change;

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
publish_whole(const Change *change, BevRow *row, const char *action)
{
	BevRowEvent event;

	bev_row_event_begin(&event, change->mapping, row, NULL, NULL);
	event.record.actor = change->actor;
	event.record.access = bev_access_change_append(change->mapping, row == change->old ? row : NULL,
	                                               row == change->new ? row : NULL);
	publish(&event, action, bev_row_event_audience(&event, action));
}

/* Who saw the row and doesn't any more is told which one it was, nothing else. */
static void
publish_moved_out(const Change *change, BevSpan access)
{
	BevMapping *mapping = change->mapping;
	BevRecord record = {
		.type = mapping->entity->name,
		.foreign = !mapping->decides,
		.action = "moved_out",
		.audience = change->move.lost,
		.key = bev_row_event_key(mapping, change->old),
		.project = bev_payload_row_text(mapping, change->old, mapping->project),
		.bug = bev_payload_row_text(mapping, change->old, mapping->bug),
		.payload = bev_payload_identity(mapping, change->old),
		.access = access,
		.actor = change->actor,
	};

	bev_record_publish(&record);
}

/* A field whose change is an event of its own; attach() lets none of them be for admins only. */
static void
publish_field(const Change *change, BevRowEvent *event, int field, const char *action)
{
	event->record.changes = bev_payload_change(&event->document, field);
	if (event->record.open_payload.len > 0)
		event->record.open_changes = event->record.changes;
	publish(event, action,
	        event->row->audience ? change->move.kept : bev_row_event_audience(event, action));
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
publish_changes(const Change *change, BevRowEvent *event)
{
	int status = change->mapping->status;
	int assignee = change->mapping->assignee;

	event->record.changes = event->document.changes;
	event->record.open_changes = event->document.open_changes;
	publish(event, "updated", narrow_to_admins(event, &change->move));
	if (status >= 0 && change->changed[status])
		publish_field(change, event, status, "status_changed");
	if (assignee >= 0 && change->changed[assignee])
		publish_field(change, event, assignee,
		              change->new->nulls[assignee] ? "unassigned" : "assigned");
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
	return mapping->gives_access && row->doubtful;
}

static bool
has_changed(const Change *change, int field)
{
	return field >= 0 && change->changed[field];
}

/* Is it known by another key now? */
static bool
is_rekeyed(const Change *change)
{
	BevMapping *mapping = change->mapping;
	bool may_be = mapping->key >= 0 ?
	                  has_changed(change, mapping->key) :
	                  has_changed(change, mapping->person) || has_changed(change, mapping->belongs);

	return may_be && strcmp(bev_row_event_key(mapping, change->old),
	                        bev_row_event_key(mapping, change->new)) != 0;
}

/*
 * That it is the same row is for those who may see both, and for admins, and so for what is derived
 * (the projector).
 */
static void
add_rekeying(const Change *change, BevRowEvent *event, BevSpan changes)
{
	BevRecord *record = &event->record;
	bool for_all = !change->move.lost && !change->move.gained;

	record->changes = changes;
	if (record->open_payload.len > 0 && for_all)
		record->open_changes = changes;
	if (record->open_payload.len == 0 && !for_all)
		record->open_payload = record->payload;
}

static void
publish_rekeyed(const Change *change)
{
	BevMapping *mapping = change->mapping;
	BevSpan changes = {NULL, 0};
	BevRowEvent event;

	bev_row_event_begin(&event, mapping, change->new, change->old, change->changed);
	if (mapping->key >= 0)
		changes = bev_payload_change(&event.document, mapping->key);

	bev_row_event_begin(&event, mapping, change->old, NULL, NULL);
	event.record.actor = change->actor;
	event.record.access = bev_access_change_append(mapping, change->old, NULL);
	add_rekeying(change, &event, changes);
	publish(&event, "deleted", bev_row_event_audience(&event, "deleted"));

	bev_row_event_begin(&event, mapping, change->new, NULL, NULL);
	event.record.actor = change->actor;
	event.record.access = bev_access_change_append(mapping, NULL, change->new);
	add_rekeying(change, &event, changes);
	publish(&event, "created", bev_row_event_audience(&event, "created"));
}

/*
 * A row may also move from one audience to another: a goodbye for those who lose
 * sight of it, ahead of the rest, and as good as created for those who gain it.
 */
static void
publish_moved(const Change *change, bool any)
{
	BevSpan access = bev_access_change_append(change->mapping, change->old, change->new);
	BevRowEvent event;

	if (change->move.lost)
	{
		publish_moved_out(change, access);
		access = (BevSpan){NULL, 0};
	}
	bev_row_event_begin(&event, change->mapping, change->new, change->old, change->changed);
	event.record.access = access;
	event.record.actor = change->actor;
	if (change->move.gained)
		publish(&event, "created", change->move.gained);
	if (any)
		publish_changes(change, &event);
}

static void
publish_update(Change *change)
{
	BevMapping *mapping = change->mapping;
	bool *changed = palloc(sizeof(bool) * mapping->nfields);
	bool any = bev_rows_compare(mapping, change->old, change->new, changed);

	change->changed = changed;
	change->move = bev_row_audience_move(audience_of_update(mapping, change->old),
	                                     audience_of_update(mapping, change->new));
	any |= may_have_left(mapping, change->new);
	if (any && is_rekeyed(change))
		publish_rekeyed(change);
	else if (any || change->move.lost || change->move.gained)
		publish_moved(change, any);
}

void
bev_row_change_publish(BevMapping *mapping, BevRow *old, BevRow *new, const char *actor)
{
	Change change = {.mapping = mapping,
	                 .old = old && old->wanted ? old : NULL,
	                 .new = new &&new->wanted ? new : NULL,
	                 .actor = actor};

	bev_provisional_check(mapping, old, new);
	if (change.old && change.new)
		publish_update(&change);
	else if (change.new)
		publish_whole(&change, change.new, "created");
	else if (change.old)
		publish_whole(&change, change.old, "deleted");
}
