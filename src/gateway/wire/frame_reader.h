/*
 * frame_reader.h - reads the RFC 6455 frames that a client sends.
 *
 * The reader is fed bytes as they come and reports whole messages (fragments
 * put together, unmasked, checked as UTF-8), control frames, and fragments that bring
 * nothing, since whoever sends many should be noticed.  It has no callbacks: the owner asks for
 * one thing after the other.
 *
 *		while ((found = bev_frame_reader_next(&reader, &data, &len, max)) != BEV_READ_MORE)
 *			...
 *
 * Memory: nothing while no message is under way; then at most max bytes.
 *
 * Pure C.
 */
#ifndef BEV_GATEWAY_WIRE_FRAME_READER_H
#define BEV_GATEWAY_WIRE_FRAME_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/program/text.h"

typedef enum BevRead
{
	BEV_READ_MORE,    /* all bytes are used up */
	BEV_READ_MESSAGE, /* a text message, in *payload */
	BEV_READ_PING,
	BEV_READ_PONG,
	BEV_READ_EMPTY, /* a fragment with nothing in it, and more to come */
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

#endif /* BEV_GATEWAY_WIRE_FRAME_READER_H */
