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
#ifndef BE_COMMON_EVENT_EVENT_H
#define BE_COMMON_EVENT_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum BeEventField
{
	BE_EVENT_TYPE,				/* bug_report, comment, ... or a custom type */
	BE_EVENT_ACTION,			/* created, updated, ... */
	BE_EVENT_AUDIENCE,			/* who may see it: principals, one per line */
	BE_EVENT_KEY,				/* the row's id as text; empty if there is none */
	BE_EVENT_PROJECT,			/* project id as text; empty if not known */
	BE_EVENT_BUG,				/* bug report id as text; empty if none */
	BE_EVENT_PAYLOAD,			/* JSON object, UTF-8 */
	BE_EVENT_CHANGES,			/* JSON object, UTF-8; empty if none */
	BE_EVENT_OPEN_PAYLOAD,		/* what others than admins get; empty: the same */
	BE_EVENT_OPEN_CHANGES,		/* likewise, and empty if that is none */
	BE_EVENT_ACCESS,			/* whom it makes or unmakes what (access.h) */
	BE_EVENT_ACTOR,				/* the id of the user who did it; empty if not known */
	BE_EVENT_FIELDS
} BeEventField;

#define BE_EVENT_HEADER_SIZE	(sizeof(uint32_t) * (1 + BE_EVENT_FIELDS))

/* No record is larger than this; capture cuts values to stay below it. */
#define BE_EVENT_MAX_SIZE		(128 * 1024 * 1024)

/*
 * Principals of an audience, one per line ('\n' between them):
 *   all           everyone who is authenticated
 *   admin         whoever has the role admin
 *   user:ID       the user with that id
 *   project:ID    the members of that project
 * A client has to belong to one of them.  Lines that begin with a sign narrow that:
 *   !PRINCIPAL    who belongs to this one does not see it
 *   &PRINCIPAL    where there are such lines, one has to belong to one of these, too
 */
#define BE_PRINCIPAL_ALL		"all"
#define BE_PRINCIPAL_ADMIN		"admin"
#define BE_PRINCIPAL_USER		"user:"
#define BE_PRINCIPAL_PROJECT	"project:"
#define BE_AUDIENCE_EXCEPT		'!'
#define BE_AUDIENCE_ONLY		'&'

typedef struct BeSpan
{
	const char *data;
	uint32_t	len;
} BeSpan;

typedef struct BeEvent
{
	BeSpan		field[BE_EVENT_FIELDS];
	uint32_t	size;			/* of the whole record */
} BeEvent;

/*
 * Size of the record whose fields have these lengths, or 0 if it would exceed
 * BE_EVENT_MAX_SIZE.
 */
extern size_t be_event_size(const uint32_t len[BE_EVENT_FIELDS]);

/* Write the header of a record; dst has room for BE_EVENT_HEADER_SIZE bytes. */
extern void be_event_write_header(char *dst, const uint32_t len[BE_EVENT_FIELDS]);

/*
 * Read the record at the start of data.  False when it is malformed, does not fit
 * in len bytes or has a NUL in a field that isn't JSON; event is undefined then.  The
 * spans point into data.
 */
extern bool be_event_read(const char *data, size_t len, BeEvent *event);

/*
 * The next line of an audience: advances *rest past it and sets *principal.
 * False when nothing is left.
 */
extern bool be_audience_next(BeSpan *rest, BeSpan *principal);

/* Does the span equal this C string? */
extern bool be_span_is(BeSpan span, const char *text);

#endif							/* BE_COMMON_EVENT_EVENT_H */
