/*
 * base64.c - base64 with padding, and base64url without.
 *
 * Model: two alphabets that differ in their last two characters, and one decoder.  OpenSSL
 * encodes; its decoder is lenient and knows one alphabet.
 */
#include "common/program/base64.h"

#include <openssl/evp.h>
#include <stdint.h>

/* The characters for 62 and 63. */
#define STANDARD "+/"
#define URL      "-_"

void
bev_base64_encode(char *dst, const void *data, size_t len)
{
	EVP_EncodeBlock((unsigned char *) dst, data, (int) len);
}

static int
value_of(char c, const char *last)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == last[0] ? 62 : c == last[1] ? 63 : -1;
}

/* Of text without its padding. */
static bool
is_canonical(const char *text, size_t len, const char *last)
{
	static const int unused[4] = {0, -1, 0x0f, 0x03};

	if (len == 0 || len % 4 == 1)
		return false;
	for (size_t i = 0; i < len; i++)
		if (value_of(text[i], last) < 0)
			return false;
	return (value_of(text[len - 1], last) & unused[len % 4]) == 0;
}

static long
decode(unsigned char *dst, const char *text, size_t len, const char *last)
{
	long n = 0;
	uint32_t bits = 0;
	int have = 0;

	if (!is_canonical(text, len, last))
		return -1;
	for (size_t i = 0; i < len; i++)
	{
		bits = bits << 6 | (uint32_t) value_of(text[i], last);
		have += 6;
		if (have >= 8)
		{
			have -= 8;
			dst[n++] = (unsigned char) (bits >> have);
		}
	}
	return n;
}

long
bev_base64_decode(unsigned char *dst, const char *text, size_t len)
{
	size_t padding = 0;

	while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
		padding++;
	return len % 4 == 0 ? decode(dst, text, len - padding, STANDARD) : -1;
}

long
bev_base64url_decode(unsigned char *dst, const char *text, size_t len)
{
	return decode(dst, text, len, URL);
}

bool
bev_base64url_is_canonical(const char *text, size_t len)
{
	return is_canonical(text, len, URL);
}
