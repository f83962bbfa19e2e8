/*
 * frame.c - the frames that a server writes.
 *
 * Model: server frames are not masked (RFC 6455, 5.1), so the bytes of an event are the same
 * for every client and are made once (envelope.c).
 */
#include "gateway/wire/frame.h"

#include <string.h>

size_t
bev_frame_header(char dst[BEV_FRAME_HEADER_MAX], BevOpcode opcode, uint64_t payload)
{
	dst[0] = (char) (0x80 | opcode);
	if (payload < 126)
	{
		dst[1] = (char) payload;
		return 2;
	}
	if (payload <= UINT16_MAX)
	{
		dst[1] = 126;
		dst[2] = (char) (payload >> 8);
		dst[3] = (char) payload;
		return 4;
	}
	dst[1] = 127;
	for (int i = 0; i < 8; i++)
		dst[2 + i] = (char) (payload >> (56 - 8 * i));
	return 10;
}

BevSpan
bev_frame_body(BevSpan frame)
{
	uint32_t header = frame.data[1] == 126 ? 4 : frame.data[1] == 127 ? 10 : 2;

	return (BevSpan){frame.data + header, frame.len - header};
}

void
bev_frame_add(BevText *text, BevOpcode opcode, const char *payload, size_t len)
{
	char *dst = bev_text_reserve(text, BEV_FRAME_HEADER_MAX + len);

	text->len += bev_frame_header(dst, opcode, len);
	bev_text_add(text, payload, len);
}

void
bev_frame_add_close(BevText *text, int code, const char *reason)
{
	char payload[BEV_CONTROL_MAX];
	size_t len = strlen(reason);

	if (len > sizeof(payload) - 2)
		len = sizeof(payload) - 2;
	payload[0] = (char) (code >> 8);
	payload[1] = (char) code;
	memcpy(payload + 2, reason, len);
	bev_frame_add(text, BEV_OP_CLOSE, payload, len + 2);
}
