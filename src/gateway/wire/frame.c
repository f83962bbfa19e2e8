/*
 * frame.c - the frames that a server writes, and the check of UTF-8.
 *
 * Model: server frames are never masked, so the bytes of an event are the same
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

/*
 * The state holds what is still to come: how many continuation bytes (bits 8 and
 * up) and the range of the next one (low and high nibble of its upper half).
 */
static uint32_t
expect(uint32_t count, uint32_t low, uint32_t high)
{
	return count << 16 | low << 8 | high;
}

static uint32_t
lead_byte(unsigned char c)
{
	if (c < 0x80)
		return 0;
	if (c >= 0xc2 && c <= 0xdf)
		return expect(1, 0x80, 0xbf);
	if (c == 0xe0)
		return expect(2, 0xa0, 0xbf); /* no overlong forms */
	if (c == 0xed)
		return expect(2, 0x80, 0x9f); /* no surrogates */
	if (c >= 0xe1 && c <= 0xef)
		return expect(2, 0x80, 0xbf);
	if (c == 0xf0)
		return expect(3, 0x90, 0xbf);
	if (c >= 0xf1 && c <= 0xf3)
		return expect(3, 0x80, 0xbf);
	if (c == 0xf4)
		return expect(3, 0x80, 0x8f); /* nothing above U+10FFFF */
	return BEV_UTF8_BAD;
}

uint32_t
bev_utf8_check(uint32_t state, const char *data, size_t len)
{
	for (size_t i = 0; i < len && state != BEV_UTF8_BAD; i++)
	{
		unsigned char c = (unsigned char) data[i];

		if (state == 0)
			state = lead_byte(c);
		else if (c < (state >> 8 & 0xff) || c > (state & 0xff))
			state = BEV_UTF8_BAD;
		else
			state = state >> 16 == 1 ? 0 : expect((state >> 16) - 1, 0x80, 0xbf);
	}
	return state;
}
