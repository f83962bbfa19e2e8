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
bev_redact_add(BevRedact *mask, const char *secret, size_t len)
{
	if (len >= BEV_MASK_SHORTEST && mask->count < BEV_MASK_SECRETS)
		mask->secret[mask->count++] = bev_copy_text(secret, len);
}

static void
hide(char *text, const char *secret)
{
	size_t len = strlen(secret);
	size_t rest;

	for (char *at = text; (at = strstr(at, secret)); at += len)
		memset(at, '*', len);
	for (rest = strlen(text); rest >= BEV_MASK_SHORTEST; text++, rest--)
		if (rest < len && memcmp(text, secret, rest) == 0)
			memset(text, '*', rest);
}

void
bev_redact_apply(const BevRedact *mask, char *text)
{
	for (size_t i = 0; i < mask->count; i++)
		hide(text, mask->secret[i]);
}

void
bev_redact_free(BevRedact *mask)
{
	for (size_t i = 0; i < mask->count; i++)
	{
		OPENSSL_cleanse(mask->secret[i], strlen(mask->secret[i]));
		free(mask->secret[i]);
	}
	mask->count = 0;
}
