/*
 * row_event.h - an event of a row, in the making.
 */
#ifndef BE_SERVER_CAPTURE_ROW_EVENT_H
#define BE_SERVER_CAPTURE_ROW_EVENT_H

#include "postgres.h"

#include "server/attach/mapping.h"
#include "server/capture/payload.h"
#include "server/capture/record.h"
#include "server/capture/row.h"

/* About to be published, once for each action. */
typedef struct BeRowEvent
{
	BeMapping  *mapping;
	BeRow	   *row;
	const char *person;			/* the id of the user whom the row is about */
	BePayload	document;
	BeRecord	record;			/* without action, audience and changes */
} BeRowEvent;

/*
 * Write the documents of a row; with old, of the change that changed[] describes.
 * Valid until the next one is begun.
 */
extern void be_row_event_begin(BeRowEvent *event, BeMapping *mapping, BeRow *row,
							   BeRow *old, const bool *changed);

/* Who may see it: as attach() was told, or what the entity has by default. */
extern const char *be_row_event_audience(const BeRowEvent *event, const char *action);

/* The row's key as text; a membership without an id is known by what it connects. */
extern const char *be_row_event_key(BeMapping *mapping, BeRow *row);

#endif							/* BE_SERVER_CAPTURE_ROW_EVENT_H */
