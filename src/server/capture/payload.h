/*
 * payload.h - the JSON documents of an event: payload and changes.
 */
#ifndef BEV_SERVER_CAPTURE_PAYLOAD_H
#define BEV_SERVER_CAPTURE_PAYLOAD_H

#include "postgres.h"

#include "server/attach/mapping.h"
#include "server/capture/row.h"
#include "common/event/event.h"

/*
 * Both documents, in buffers of the session: valid until the next one is
 * written.  The arrays are palloc'd.
 */
typedef struct BevPayload
{
	BevSpan payload;
	BevSpan changes;      /* empty unless written from two rows */
	BevSpan open_payload; /* without what is for admins; empty: the same */
	BevSpan open_changes; /* empty if there are none, or open_payload is */
	BevSpan *values;      /* by field: its value in the payload */
	BevSpan *members;     /* by field: its member of the changes */
} BevPayload;

/* Write the payload of a row; with old, also what changed[] says is different. */
extern void bev_payload_write(BevPayload *document, BevMapping *mapping, BevRow *row, BevRow *old,
                              const bool *changed);

/* A field's value as text, as keys are compared; palloc'd; empty for null, and for -1. */
extern const char *bev_payload_text(const BevPayload *document, int field);

/* The same of a row of which no document was written; palloc'd in any case. */
extern char *bev_payload_row_text(BevMapping *mapping, BevRow *row, int field);

/* A payload that only says which row it is about; palloc'd. */
extern BevSpan bev_payload_identity(BevMapping *mapping, BevRow *row);

/* Changes that have only one field; palloc'd. */
extern BevSpan bev_payload_change(const BevPayload *document, int field);

#endif /* BEV_SERVER_CAPTURE_PAYLOAD_H */
