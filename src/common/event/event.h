/*
 * event.h - the event record: one captured event as bytes.
 *
 * The same bytes travel from the trigger to the socket: capture writes a
 * record, queue and journal carry it untouched, the pipe hands it to the
 * gateway, and only there is it framed for the wire.  What is not known before
 * the commit (seq, place in the transaction, time) is therefore not in it.
 *
 *     +------+---------------------------------+------+--------+-----+---------+
 *     | size | len[0] len[1] ... len[FIELDS-1] | type | action | ... | changes |
 *     +------+---------------------------------+------+--------+-----+---------+
 *      u32     u32 each                          bytes, no terminators
 *
 * size counts the whole record, itself included.  Integers are in the byte
 * order of the machine: a record never leaves machines that share one data
 * directory format.  Records are not aligned.
 *
 * Pure C: shared by the server's half and the gateway.
 */
#ifndef BEV_COMMON_EVENT_EVENT_H
#define BEV_COMMON_EVENT_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum BevEventField
{
	BEV_EVENT_TYPE,         /* bug_report, comment, ... or a custom type */
	BEV_EVENT_ACTION,       /* created, updated, ... */
	BEV_EVENT_AUDIENCE,     /* who may see it: principals, one per line */
	BEV_EVENT_KEY,          /* the row's id as text; empty if there is none */
	BEV_EVENT_PROJECT,      /* project id as text; empty if not known */
	BEV_EVENT_BUG,          /* bug report id as text; empty if none */
	BEV_EVENT_PAYLOAD,      /* JSON object, UTF-8 */
	BEV_EVENT_CHANGES,      /* JSON object, UTF-8; empty if none */
	BEV_EVENT_OPEN_PAYLOAD, /* what others than admins get; empty: the same */
	BEV_EVENT_OPEN_CHANGES, /* likewise, and empty if that is none */
	BEV_EVENT_ACCESS,       /* whom it makes or unmakes what (access.h) */
	BEV_EVENT_ACTOR,        /* the id of the user who did it; empty if not known */
	BEV_EVENT_FIELDS
} BevEventField;

#define BEV_EVENT_HEADER_SIZE (sizeof(uint32_t) * (1 + BEV_EVENT_FIELDS))

/* No record is larger than this; capture cuts values to stay below it. */
#define BEV_EVENT_MAX_SIZE (128 * 1024 * 1024)

/*
 * Principals of an audience, one per line ('\n' between them):
 *   all           everyone who is authenticated
 *   admin         whoever has the role admin
 *   user:ID       the user with that id
 *   project:ID    the members of that project
 *   group:NAME    the members of that group
 * A client has to belong to one of them.  Lines that begin with a sign narrow that:
 *   !PRINCIPAL    who belongs to this one does not see it
 *   &PRINCIPAL    where there are such lines, one has to belong to one of these, too
 */
#define BEV_PRINCIPAL_ALL     "all"
#define BEV_PRINCIPAL_ADMIN   "admin"
#define BEV_PRINCIPAL_USER    "user:"
#define BEV_PRINCIPAL_PROJECT "project:"
#define BEV_PRINCIPAL_GROUP   "group:"
#define BEV_AUDIENCE_EXCEPT   '!'
#define BEV_AUDIENCE_ONLY     '&'

typedef struct BevSpan
{
	const char *data;
	uint32_t len;
} BevSpan;

typedef struct BevEvent
{
	BevSpan field[BEV_EVENT_FIELDS];
	uint32_t size; /* of the whole record */
} BevEvent;

/*
 * Size of the record whose fields have these lengths, or 0 if it would exceed
 * BEV_EVENT_MAX_SIZE.
 */
extern size_t bev_event_size(const uint32_t len[BEV_EVENT_FIELDS]);

/*
 * Write the header of a record of that size, which bev_event_size() said; dst has room for
 * BEV_EVENT_HEADER_SIZE bytes.
 */
extern void bev_event_write_header(char *dst, uint32_t size, const uint32_t len[BEV_EVENT_FIELDS]);

/* What the record at the start of data says that its size is: one that was written here. */
extern uint32_t bev_event_size_written(const char *data);

/*
 * Read the record at the start of data.  False when it is malformed, does not fit
 * in len bytes or has a NUL in a field that isn't JSON; event is undefined then.  The
 * spans point into data.
 */
extern bool bev_event_read(const char *data, size_t len, BevEvent *event);

/*
 * Write the record as others than admins may have it: what they get of payload and changes, and no
 * more.  The size of that; dst may be NULL.
 */
extern size_t bev_event_open(const BevEvent *event, char *dst);

/*
 * The next line of an audience: advances *rest past it and sets *principal.
 * False when nothing is left.
 */
extern bool bev_audience_next(BevSpan *rest, BevSpan *principal);

/* Does the span equal this C string? */
extern bool bev_span_is(BevSpan span, const char *text);

#endif /* BEV_COMMON_EVENT_EVENT_H */
