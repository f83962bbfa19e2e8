/*
 * base64url.c - base64url without padding, read strictly.
 */
#include "gateway/identity/base64url.h"

#include <stdint.h>

static int
value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

bool
bev_base64url_is_canonical(const char *text, size_t len)
{
	static const int unused[4] = {0, -1, 0x0f, 0x03};

	if (len == 0 || len % 4 == 1)
		return false;
	for (size_t i = 0; i < len; i++)
		if (value_of(text[i]) < 0)
			return false;
	return (value_of(text[len - 1]) & unused[len % 4]) == 0;
}

size_t
bev_base64url_decode(unsigned char *dst, const char *text, size_t len)
{
	size_t n = 0;
	uint32_t bits = 0;
	int have = 0;

	for (size_t i = 0; i < len; i++)
	{
		bits = bits << 6 | (uint32_t) value_of(text[i]);
		have += 6;
		if (have >= 8)
		{
			have -= 8;
			dst[n++] = (unsigned char) (bits >> have);
		}
	}
	return n;
}
