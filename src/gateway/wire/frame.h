/*
 * frame.h - RFC 6455 frames: the headers that a server writes, and the reader
 * of what a client sends.
 *
 * The reader is fed bytes as they come and reports whole messages (fragments
 * put together, unmasked, checked as UTF-8) and control frames.  It never calls
 * back: the owner asks for one thing after the other.
 *
 *		while ((found = be_reader_next(&reader, &data, &len, max)) != BE_READ_MORE)
 *			...
 *
 * Memory: nothing while no message is under way; then at most max bytes.
 *
 * Pure C.
 */
#ifndef BE_GATEWAY_WIRE_FRAME_H
#define BE_GATEWAY_WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/program/text.h"

typedef enum BeOpcode
{
	BE_OP_CONTINUATION = 0x0,
	BE_OP_TEXT = 0x1,
	BE_OP_BINARY = 0x2,
	BE_OP_CLOSE = 0x8,
	BE_OP_PING = 0x9,
	BE_OP_PONG = 0xa
} BeOpcode;

/* Close codes (RFC 6455, section 7.4, and its registry) */
typedef enum BeCloseCode
{
	BE_CLOSE_NORMAL = 1000,
	BE_CLOSE_PROTOCOL = 1002,
	BE_CLOSE_UNSUPPORTED = 1003,
	BE_CLOSE_NO_STATUS = 1005,	/* never on the wire */
	BE_CLOSE_ABNORMAL = 1006,	/* likewise */
	BE_CLOSE_BAD_DATA = 1007,
	BE_CLOSE_POLICY = 1008,
	BE_CLOSE_TOO_BIG = 1009,
	BE_CLOSE_INTERNAL = 1011,
	BE_CLOSE_RESTART = 1012,
	BE_CLOSE_TRY_LATER = 1013
} BeCloseCode;

#define BE_FRAME_HEADER_MAX		10
#define BE_CONTROL_MAX			125

/*
 * Write the header of an unfragmented, unmasked frame; returns its length, 2, 4
 * or 10.
 */
extern size_t be_frame_header(char dst[BE_FRAME_HEADER_MAX], BeOpcode opcode,
							  uint64_t payload);

/* Append a whole text, ping or pong frame. */
extern void be_frame_add(BeText *text, BeOpcode opcode,
						 const char *payload, size_t len);

/* Append a close frame; the reason is cut to what fits. */
extern void be_frame_add_close(BeText *text, int code, const char *reason);

typedef enum BeRead
{
	BE_READ_MORE,				/* all bytes are used up */
	BE_READ_MESSAGE,			/* a text message, in *payload */
	BE_READ_PING,
	BE_READ_PONG,
	BE_READ_CLOSE,				/* reader.code is the peer's, or 1005 */
	BE_READ_FAILED				/* reader.code is what to close with */
} BeRead;

typedef struct BeReader
{
	uint64_t	left;			/* of the frame's payload */
	uint32_t	utf8;			/* state of the check, over fragments */
	uint16_t	code;			/* see BeRead */
	uint8_t		header[14];
	uint8_t		have;			/* bytes of header */
	uint8_t		control_len;
	uint8_t		mask_at;		/* next byte of the mask, 0 to 3 */
	bool		in_payload;
	bool		in_message;		/* a fragment came, the last one did not */
	bool		failed;			/* and nothing can be read any more */
	bool		taken;			/* message belongs to what was reported last */
	char	   *control;		/* payload of a control frame */
	BeText		message;
} BeReader;

/*
 * Go on with *data, which is advanced past what was used.  A message longer
 * than max fails with 1009, a binary one with 1003, bad UTF-8 with 1007, what
 * the protocol forbids with 1002.  *payload is valid until the next call.
 */
extern BeRead be_reader_next(BeReader *reader, const char **data, size_t *len,
							 size_t max, BeText *payload);

extern void be_reader_free(BeReader *reader);

/*
 * One step of the UTF-8 check over a run of bytes; state starts as 0, is 0 at
 * the end of complete text and BE_UTF8_BAD for good once a byte is wrong.
 */
#define BE_UTF8_BAD		UINT32_MAX
extern uint32_t be_utf8_check(uint32_t state, const char *data, size_t len);

#endif							/* BE_GATEWAY_WIRE_FRAME_H */
