/*
 * place.c - where a list goes on, sealed.
 *
 *	base64url( nonce | AES-256-GCM( length, text, zeros up to a multiple of ROUND ) | tag )
 *
 * Model: the bound is authenticated with it, not contained in it.  The length of the text is hidden
 * in steps, as that of a key is a hint, too.
 *
 * Failure: what can't be opened is no place, whatever is wrong with it.  Without random bytes there
 * is no sealing; the process ends, as where memory fails.
 */
#include "gateway/session/place.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/program/base64.h"
#include "common/program/memory.h"

#define NONCE_LEN 12
#define TAG_LEN   16
#define ROUND     64

static unsigned char key[BEV_PLACE_KEY_LEN];
static bool is_set = false;

void
bev_place_set_key(const char *base64)
{
	unsigned char bytes[BEV_BASE64_DECODED(64)];

	if (strlen(base64) <= 64 &&
	    bev_base64_decode(bytes, base64, strlen(base64)) == BEV_PLACE_KEY_LEN)
	{
		memcpy(key, bytes, sizeof(key));
		is_set = true;
	}
	else if (!is_set)
	{
		if (RAND_bytes(key, sizeof(key)) != 1)
			abort();
		is_set = true;
	}
}

/* One pass of the cipher over len bytes, in place; false: the tag doesn't fit. */
static bool
run_cipher(bool seals, const unsigned char *nonce, const char *bound, unsigned char *bytes, int len,
           unsigned char *tag)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;
	bool good;

	good =
		ctx && EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce, seals) == 1 &&
		EVP_CipherUpdate(ctx, NULL, &n, (const unsigned char *) bound, (int) strlen(bound)) == 1 &&
		EVP_CipherUpdate(ctx, bytes, &n, bytes, len) == 1 &&
		(seals || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_LEN, tag) == 1) &&
		EVP_CipherFinal_ex(ctx, bytes + len, &n) == 1 &&
		(!seals || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_LEN, tag) == 1);
	EVP_CIPHER_CTX_free(ctx);
	return good;
}

/* base64 as base64url. */
static void
make_url(char *text)
{
	for (; *text; text++)
		if (*text == '+')
			*text = '-';
		else if (*text == '/')
			*text = '_';
		else if (*text == '=')
			*text = '\0';
}

char *
bev_place_seal(BevSpan plain, const char *bound)
{
	uint32_t len = plain.len;
	size_t room = (sizeof(len) + len + ROUND - 1) / ROUND * ROUND;
	size_t size = NONCE_LEN + room + TAG_LEN;
	unsigned char *bytes = bev_alloc(size);
	char *text = bev_alloc(BEV_BASE64_LEN(size) + 1);

	memset(bytes, 0, size);
	memcpy(bytes + NONCE_LEN, &len, sizeof(len));
	memcpy(bytes + NONCE_LEN + sizeof(len), plain.data, len);
	if (RAND_bytes(bytes, NONCE_LEN) != 1 ||
	    !run_cipher(true, bytes, bound, bytes + NONCE_LEN, (int) room, bytes + NONCE_LEN + room))
		abort();
	bev_base64_encode(text, bytes, size);
	make_url(text);
	free(bytes);
	return text;
}

char *
bev_place_open(const char *sealed, const char *bound)
{
	size_t sealed_len = strlen(sealed);
	unsigned char *bytes = bev_alloc(BEV_BASE64_DECODED(sealed_len) + 1);
	long size = bev_base64url_decode(bytes, sealed, sealed_len);
	long room = size - NONCE_LEN - TAG_LEN;
	char *text = NULL;
	uint32_t len;

	if (room >= ROUND && room % ROUND == 0 &&
	    run_cipher(false, bytes, bound, bytes + NONCE_LEN, (int) room, bytes + NONCE_LEN + room))
	{
		memcpy(&len, bytes + NONCE_LEN, sizeof(len));
		if (len <= room - sizeof(len))
			text = bev_copy_text((char *) bytes + NONCE_LEN + sizeof(len), len);
	}
	free(bytes);
	return text;
}
