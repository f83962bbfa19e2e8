/*
 * utf8.c - text, character by character.
 */
#include "common/text/utf8.h"

#include <string.h>

static size_t
announced_length(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef)
		return 3;
	return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

/* Of the second byte: neither overlong, nor a surrogate, nor beyond U+10FFFF. */
static bool
is_second(unsigned char lead, unsigned char c)
{
	unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;

	return c >= low && c <= high;
}

size_t
bev_utf8_char(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *) text;
	size_t n = len > 0 ? announced_length(p[0]) : 0;

	if (n == 0 || n > len || (n > 1 && !is_second(p[0], p[1])))
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
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
