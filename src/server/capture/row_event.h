/*
 * row_event.h - an event of a row, in the making.
 */
#ifndef BEV_SERVER_CAPTURE_ROW_EVENT_H
#define BEV_SERVER_CAPTURE_ROW_EVENT_H

#include "postgres.h"

#include "server/attach/mapping.h"
#include "server/capture/payload.h"
#include "server/capture/record.h"
#include "server/capture/row.h"

/* About to be published, once for each action. */
typedef struct BevRowEvent
{
	BevMapping *mapping;
	BevRow *row;
	const char *person; /* the id of the user whom the row is about */
	BevPayload document;
	BevRecord record; /* without action, audience and changes */
} BevRowEvent;

/*
 * Write the documents of a row; with old, of the change that changed[] describes.
 * Valid until the next one is begun.
 */
extern void bev_row_event_begin(BevRowEvent *event, BevMapping *mapping, BevRow *row, BevRow *old,
                                const bool *changed);

/* Who may see it: as attach() was told, or what the entity has by default. */
extern const char *bev_row_event_audience(const BevRowEvent *event, const char *action);

/* The row's key as text; a membership without an id is known by what it connects. */
extern const char *bev_row_event_key(BevMapping *mapping, BevRow *row);

#endif /* BEV_SERVER_CAPTURE_ROW_EVENT_H */
