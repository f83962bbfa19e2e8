/*
 * payload.h - the JSON documents of an event: payload and changes.
 */
#ifndef BE_SERVER_CAPTURE_PAYLOAD_H
#define BE_SERVER_CAPTURE_PAYLOAD_H

#include "postgres.h"

#include "server/attach/mapping.h"
#include "server/capture/row.h"
#include "common/event/event.h"

/*
 * Both documents, in buffers of the session: valid until the next one is
 * written.  The arrays are palloc'd.
 */
typedef struct BePayload
{
	BeSpan		payload;
	BeSpan		changes;		/* empty unless written from two rows */
	BeSpan		open_payload;	/* without what is for admins; empty: the same */
	BeSpan		open_changes;	/* empty if there are none, or open_payload is */
	BeSpan	   *values;			/* by field: its value in the payload */
	BeSpan	   *members;		/* by field: its member of the changes */
} BePayload;

/* Write the payload of a row; with old, also what changed[] says is different. */
extern void be_payload_write(BePayload *document, BeMapping *mapping, BeRow *row,
							 BeRow *old, const bool *changed);

/* A field's value as text, as keys are compared; palloc'd, empty for null and -1. */
extern char *be_payload_text(const BePayload *document, int field);

/* The same of a row of which no document was written. */
extern char *be_payload_row_text(BeMapping *mapping, BeRow *row, int field);

/* A payload that only says which row it is about; palloc'd. */
extern BeSpan be_payload_identity(BeMapping *mapping, BeRow *row);

/* Changes that have only one field; palloc'd. */
extern BeSpan be_payload_change(const BePayload *document, int field);

#endif							/* BE_SERVER_CAPTURE_PAYLOAD_H */
