/*
 * utf8.c - text, character by character.
 *
 * Model: one machine that takes a byte at a time (RFC 3629: no overlong forms, no
 * surrogates, nothing above U+10FFFF); all that reads characters is built on it.
 */
#include "common/text/utf8.h"

#include <string.h>

/*
 * The state holds what is still to come: how many continuation bytes (bits 16 and up)
 * and the range of the next one (its lowest and its highest value).
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

static uint32_t
next_byte(uint32_t state, unsigned char c)
{
	if (state == 0)
		return lead_byte(c);
	if (c < (state >> 8 & 0xff) || c > (state & 0xff))
		return BEV_UTF8_BAD;
	return state >> 16 == 1 ? 0 : expect((state >> 16) - 1, 0x80, 0xbf);
}

uint32_t
bev_utf8_check(uint32_t state, const char *data, size_t len)
{
	for (size_t i = 0; i < len && state != BEV_UTF8_BAD; i++)
		state = next_byte(state, (unsigned char) data[i]);
	return state;
}

size_t
bev_utf8_char(const char *text, size_t len)
{
	uint32_t state = 0;

	for (size_t n = 0; n < len; n++)
	{
		state = next_byte(state, (unsigned char) text[n]);
		if (state == BEV_UTF8_BAD)
			return 0;
		if (state == 0)
			return n + 1;
	}
	return 0;
}

size_t
bev_utf8_clip(const char *text, size_t len, size_t limit)
{
	if (len <= limit)
		return len;
	while (limit > 0 && ((unsigned char) text[limit] & 0xc0) == 0x80)
		limit--;
	return limit;
}

static bool
is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

bool
bev_utf8_is_one_line(const char *text)
{
	for (; *text; text++)
		if (is_control((unsigned char) *text))
			return false;
	return true;
}

bool
bev_utf8_is_token(const char *text, size_t max)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return len > 0 && len <= max;
}

void
bev_utf8_clean(char *dst, size_t size, const char *text, size_t len)
{
	size_t used = 0;

	while (len > 0)
	{
		size_t n = bev_utf8_char(text, len);
		size_t taken = n ? n : 1;

		if (used + taken >= size)
			break;
		if (n == 0)
			dst[used] = '?';
		else if (n == 1)
			dst[used] = is_control((unsigned char) *text) ? ' ' : *text;
		else
			memcpy(dst + used, text, n);
		used += taken;
		text += taken;
		len -= taken;
	}
	while (used > 0 && dst[used - 1] == ' ')
		used--;
	dst[used] = '\0';
}
