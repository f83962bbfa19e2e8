/*
 * frame.h - RFC 6455 frames: those that a server writes.
 *
 * Pure C.
 */
#ifndef BEV_GATEWAY_WIRE_FRAME_H
#define BEV_GATEWAY_WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/event/event.h"
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
	BEV_CLOSE_NO_STATUS = 1005, /* not on the wire */
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

/* What is in a frame whose header was written here. */
extern BevSpan bev_frame_body(BevSpan frame);

/* Append a whole text, ping or pong frame. */
extern void bev_frame_add(BevText *text, BevOpcode opcode, const char *payload, size_t len);

/* Append a close frame; the reason is cut to what fits. */
extern void bev_frame_add_close(BevText *text, int code, const char *reason);

#endif /* BEV_GATEWAY_WIRE_FRAME_H */
