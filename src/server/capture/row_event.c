/*
 * row_event.c - an event of a row, in the making.
 */
#include "server/capture/row_event.h"

#include "server/attach/row_audience.h"

const char *
be_row_event_key(BeMapping *mapping, BeRow *row)
{
	if (mapping->key >= 0)
		return be_payload_row_text(mapping, row, mapping->key);
	return psprintf("%s:%s", be_payload_row_text(mapping, row, mapping->person),
					be_payload_row_text(mapping, row, mapping->project));
}

void
be_row_event_begin(BeRowEvent *event, BeMapping *mapping, BeRow *row, BeRow *old,
				   const bool *changed)
{
	event->mapping = mapping;
	event->row = row;
	be_payload_write(&event->document, mapping, row, old, changed);
	event->person = be_payload_text(&event->document, mapping->person);

	event->record = (BeRecord) {
		.type = mapping->entity->name,
		.key = mapping->key >= 0 ? be_payload_text(&event->document, mapping->key)
		: be_row_event_key(mapping, row),
		.project = be_payload_text(&event->document, mapping->project),
		.bug = be_payload_text(&event->document, mapping->bug),
		.payload = event->document.payload,
		.open_payload = event->document.open_payload,
	};
}

const char *
be_row_event_audience(const BeRowEvent *event, const char *action)
{
	return event->row->audience ? event->row->audience
		: be_audience_default(event->mapping->entity, action, event->person);
}
