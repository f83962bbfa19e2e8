/*
 * base64.c - base64 with padding.
 *
 * OpenSSL does it; its decoder is lenient, so what it makes is encoded again and compared.
 */
#include "common/program/base64.h"
#include "common/program/memory.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

void
bev_base64_encode(char *dst, const void *data, size_t len)
{
	EVP_EncodeBlock((unsigned char *) dst, data, (int) len);
}

long
bev_base64_decode(unsigned char *dst, const char *text, size_t len)
{
	char *again;
	long n;
	size_t padding = 0;

	while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
		padding++;
	if (len == 0 || len % 4 != 0 ||
	    (n = EVP_DecodeBlock(dst, (const unsigned char *) text, (int) len)) < 0)
		return -1;
	n -= (long) padding; /* it counts the padding as zeros */
	again = bev_alloc(BEV_BASE64_LEN((size_t) n) + 1);
	bev_base64_encode(again, dst, (size_t) n);
	if (memcmp(again, text, len) != 0)
		n = -1;
	free(again);
	return n;
}
