/*
 * keys.c - the keys and algorithms that a configuration accepts.
 *
 * Model: the secret, the PEM text and the key set of a configuration become one
 * list, in this order.  It never changes: a new configuration makes a new one,
 * and the old one is used until that has been read without an error.
 */
#include "gateway/identity/keys.h"
#include "gateway/identity/jwks.h"
#include "common/program/memory.h"
#include "gateway/identity/pem.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct BevKeys
{
	BevKey *key[BEV_KEYS_MAX];
	int count;
	bool allowed[BEV_ALGORITHMS];
};

bool
bev_keys_add(BevKeys *keys, BevKey *key)
{
	if (keys->count == BEV_KEYS_MAX)
	{
		bev_key_free(key);
		return false;
	}
	keys->key[keys->count++] = key;
	return true;
}

static bool
add_secret(BevKeys *keys, const char *base64)
{
	size_t len = strlen(base64);
	unsigned char *secret;
	BevKey *key = NULL;
	int n;

	if (len == 0)
		return true;
	secret = bev_alloc(len + 4);
	n = len % 4 == 0 ? EVP_DecodeBlock(secret, (const unsigned char *) base64, (int) len) : -1;
	if (n > 0)
	{
		n -= (base64[len - 1] == '=') + (base64[len - 2] == '=');
		key = bev_key_secret((BevBytes){secret, (size_t) n});
	}
	OPENSSL_cleanse(secret, len);
	free(secret);
	return key && bev_keys_add(keys, key);
}

/* False: a name that is not an algorithm. */
static bool
allow_algorithms(BevKeys *keys, const char *list)
{
	for (;;)
	{
		size_t len;
		int i;

		list += strspn(list, ", \t");
		len = strcspn(list, ", \t");
		if (len == 0)
			return true;
		i = bev_algorithm_find(list, len);
		if (i < 0)
			return false;
		keys->allowed[i] = true;
		list += len;
	}
}

static const char *
read_keys(BevKeys *keys, const BevConfig *config)
{
	if (!allow_algorithms(keys, config->jwt_algorithms))
		return "jwt_algorithms names an unknown algorithm";
	if (!add_secret(keys, config->jwt_secret))
		return "the secret for tokens could not be read: it needs 32 bytes or more";
	if (!bev_pem_read(keys, config->jwt_key))
		return "the public keys for tokens could not be read: PEM public keys or "
			   "certificates, RSA of 2048 bits or more, EC of P-256, P-384 or P-521, "
			   "or Ed25519 or Ed448";
	return NULL;
}

BevKeys *
bev_keys_create(const BevConfig *config, char *error, size_t error_size)
{
	BevKeys *keys = bev_alloc(sizeof(*keys));
	const char *wrong = read_keys(keys, config);
	bool good = wrong == NULL && bev_jwks_read(keys, config->jwks, error, error_size);

	ERR_clear_error();
	if (good)
		return keys;
	if (wrong)
		snprintf(error, error_size, "%s", wrong);
	bev_keys_free(keys);
	return NULL;
}

void
bev_keys_free(BevKeys *keys)
{
	if (keys == NULL)
		return;
	for (int i = 0; i < keys->count; i++)
		bev_key_free(keys->key[i]);
	free(keys);
}

static bool
has_name(const BevKey *key, const char *kid)
{
	return bev_key_kid(key) && strcmp(bev_key_kid(key), kid) == 0;
}

static bool
any_has_name(const BevKeys *keys, const char *kid)
{
	for (int i = 0; i < keys->count; i++)
		if (has_name(keys->key[i], kid))
			return true;
	return false;
}

const char *
bev_keys_verify(const BevKeys *keys, const BevJws *jws)
{
	bool named = jws->kid && any_has_name(keys, jws->kid);

	if (!keys->allowed[jws->algorithm])
		return "the token's header is not acceptable";
	for (int i = 0; i < keys->count; i++)
	{
		const BevKey *key = keys->key[i];
		bool chosen =
			named ? has_name(key, jws->kid) : jws->kid == NULL || bev_key_kid(key) == NULL;

		if (chosen && bev_key_verify(key, jws))
			return NULL;
	}
	return "the token's signature is not valid";
}
