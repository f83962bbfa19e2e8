/*
 * row_event.c - an event of a row, in the making.
 */
#include "server/capture/row_event.h"

#include "server/attach/row_audience.h"

const char *
bev_row_event_key(BevMapping *mapping, BevRow *row)
{
	if (mapping->key >= 0)
		return bev_payload_row_text(mapping, row, mapping->key);
	return psprintf("%s:%s", bev_payload_row_text(mapping, row, mapping->person),
	                bev_payload_row_text(mapping, row, mapping->belongs));
}

void
bev_row_event_begin(BevRowEvent *event, BevMapping *mapping, BevRow *row, BevRow *old,
                    const bool *changed)
{
	const char *key;

	event->mapping = mapping;
	event->row = row;
	bev_payload_write(&event->document, mapping, row, old, changed);
	event->person = bev_payload_text(&event->document, mapping->person);
	key = mapping->key >= 0 ? bev_payload_text(&event->document, mapping->key) :
	                          bev_row_event_key(mapping, row);

	event->record = (BevRecord){
		.type = mapping->entity->name,
		.foreign = !mapping->decides,
		.key = key,
		.project = bev_payload_text(&event->document, mapping->project),
		.bug = mapping->bug >= 0 && mapping->bug == mapping->key ?
	               key :
	               bev_payload_text(&event->document, mapping->bug),
		.payload = event->document.payload,
		.open_payload = event->document.open_payload,
	};
}

const char *
bev_row_event_audience(const BevRowEvent *event, const char *action)
{
	return event->row->audience ?
	           event->row->audience :
	           bev_row_audience_default(event->mapping->entity, action, event->person);
}
