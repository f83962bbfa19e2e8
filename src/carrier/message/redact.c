/*
 * redact.c - secrets, and text without them.
 *
 * What the other end says goes into a table that more people read than may know the
 * secrets, and the other end has seen them.
 */
#include "carrier/message/redact.h"
#include "common/program/memory.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

void
be_mask_add(BeMask *mask, const char *secret, size_t len)
{
	if (len >= BE_MASK_SHORTEST && mask->count < BE_MASK_SECRETS)
		mask->secret[mask->count++] = be_copy_text(secret, len);
}

static void
hide(char *text, const char *secret)
{
	size_t		len = strlen(secret);
	size_t		rest;

	for (char *at = text; (at = strstr(at, secret)); at += len)
		memset(at, '*', len);
	for (rest = strlen(text); rest >= BE_MASK_SHORTEST; text++, rest--)
		if (rest < len && memcmp(text, secret, rest) == 0)
			memset(text, '*', rest);
}

void
be_mask_apply(const BeMask *mask, char *text)
{
	for (size_t i = 0; i < mask->count; i++)
		hide(text, mask->secret[i]);
}

void
be_mask_free(BeMask *mask)
{
	for (size_t i = 0; i < mask->count; i++)
	{
		OPENSSL_cleanse(mask->secret[i], strlen(mask->secret[i]));
		free(mask->secret[i]);
	}
	mask->count = 0;
}
