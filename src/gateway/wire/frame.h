/*
 * frame.h - RFC 6455 frames: the headers that a server writes, and the reader
 * of what a client sends.
 *
 * The reader is fed bytes as they come and reports whole messages (fragments
 * put together, unmasked, checked as UTF-8) and control frames.  It never calls
 * back: the owner asks for one thing after the other.
 *
 *		while ((found = bev_frame_reader_next(&reader, &data, &len, max)) != BEV_READ_MORE)
 *			...
 *
 * Memory: nothing while no message is under way; then at most max bytes.
 *
 * Pure C.
 */
#ifndef BEV_GATEWAY_WIRE_FRAME_H
#define BEV_GATEWAY_WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/program/text.h"

typedef enum BevOpcode
{
	BEV_OP_CONTINUATION = 0x0,
	BEV_OP_TEXT = 0x1,
	BEV_OP_BINARY = 0x2,
	BEV_OP_CLOSE = 0x8,
	BEV_OP_PING = 0x9,
	BEV_OP_PONG = 0xa
} BevOpcode;

/* Close codes (RFC 6455, section 7.4, and its registry) */
typedef enum BevCloseCode
{
	BEV_CLOSE_NORMAL = 1000,
	BEV_CLOSE_PROTOCOL = 1002,
	BEV_CLOSE_UNSUPPORTED = 1003,
	BEV_CLOSE_NO_STATUS = 1005, /* never on the wire */
	BEV_CLOSE_ABNORMAL = 1006,  /* likewise */
	BEV_CLOSE_BAD_DATA = 1007,
	BEV_CLOSE_POLICY = 1008,
	BEV_CLOSE_TOO_BIG = 1009,
	BEV_CLOSE_INTERNAL = 1011,
	BEV_CLOSE_RESTART = 1012,
	BEV_CLOSE_TRY_LATER = 1013
} BevCloseCode;

#define BEV_FRAME_HEADER_MAX 10
#define BEV_CONTROL_MAX      125

/*
 * Write the header of an unfragmented, unmasked frame; returns its length, 2, 4
 * or 10.
 */
extern size_t bev_frame_header(char dst[BEV_FRAME_HEADER_MAX], BevOpcode opcode, uint64_t payload);

/* Append a whole text, ping or pong frame. */
extern void bev_frame_add(BevText *text, BevOpcode opcode, const char *payload, size_t len);

/* Append a close frame; the reason is cut to what fits. */
extern void bev_frame_add_close(BevText *text, int code, const char *reason);

typedef enum BevRead
{
	BEV_READ_MORE,    /* all bytes are used up */
	BEV_READ_MESSAGE, /* a text message, in *payload */
	BEV_READ_PING,
	BEV_READ_PONG,
	BEV_READ_CLOSE, /* reader.code is the peer's, or 1005 */
	BEV_READ_FAILED /* reader.code is what to close with */
} BevRead;

typedef struct BevFrameReader
{
	uint64_t left; /* of the frame's payload */
	uint32_t utf8; /* state of the check, over fragments */
	uint16_t code; /* see BevRead */
	uint8_t header[14];
	uint8_t have; /* bytes of header */
	uint8_t control_len;
	uint8_t mask_at; /* next byte of the mask, 0 to 3 */
	bool in_payload;
	bool in_message; /* a fragment came, the last one did not */
	bool failed;     /* and nothing can be read any more */
	bool taken;      /* message belongs to what was reported last */
	char *control;   /* payload of a control frame */
	BevText message;
} BevFrameReader;

/*
 * Go on with *data, which is advanced past what was used.  A message longer
 * than max fails with 1009, a binary one with 1003, bad UTF-8 with 1007, what
 * the protocol forbids with 1002.  *payload is valid until the next call.
 */
extern BevRead bev_frame_reader_next(BevFrameReader *reader, const char **data, size_t *len,
                                     size_t max, BevText *payload);

extern void bev_frame_reader_free(BevFrameReader *reader);

/*
 * One step of the UTF-8 check over a run of bytes; state starts as 0, is 0 at
 * the end of complete text and BEV_UTF8_BAD for good once a byte is wrong.
 */
#define BEV_UTF8_BAD UINT32_MAX
extern uint32_t bev_utf8_check(uint32_t state, const char *data, size_t len);

#endif /* BEV_GATEWAY_WIRE_FRAME_H */
