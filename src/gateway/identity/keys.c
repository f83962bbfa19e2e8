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

struct BeKeys
{
	BeKey	   *key[BE_KEYS_MAX];
	int			count;
	bool		allowed[BE_ALGORITHMS];
};

bool
be_keys_add(BeKeys *keys, BeKey *key)
{
	if (keys->count == BE_KEYS_MAX)
	{
		be_key_free(key);
		return false;
	}
	keys->key[keys->count++] = key;
	return true;
}

static bool
add_secret(BeKeys *keys, const char *base64)
{
	size_t		len = strlen(base64);
	unsigned char *secret;
	BeKey	   *key = NULL;
	int			n;

	if (len == 0)
		return true;
	secret = be_alloc(len + 4);
	n = len % 4 == 0 ?
		EVP_DecodeBlock(secret, (const unsigned char *) base64, (int) len) : -1;
	if (n > 0)
	{
		n -= (base64[len - 1] == '=') + (base64[len - 2] == '=');
		key = be_key_secret((BeBytes) {secret, (size_t) n});
	}
	OPENSSL_cleanse(secret, len);
	free(secret);
	return key && be_keys_add(keys, key);
}

/* False: a name that is not an algorithm. */
static bool
allow_algorithms(BeKeys *keys, const char *list)
{
	for (;;)
	{
		size_t		len;
		int			i;

		list += strspn(list, ", \t");
		len = strcspn(list, ", \t");
		if (len == 0)
			return true;
		i = be_algorithm_find(list, len);
		if (i < 0)
			return false;
		keys->allowed[i] = true;
		list += len;
	}
}

static const char *
read_keys(BeKeys *keys, const BeConfig *config)
{
	if (!allow_algorithms(keys, config->jwt_algorithms))
		return "jwt_algorithms names an unknown algorithm";
	if (!add_secret(keys, config->jwt_secret))
		return "the secret for tokens could not be read: it needs 32 bytes or more";
	if (!be_pem_read(keys, config->jwt_key))
		return "the public keys for tokens could not be read: PEM public keys or "
			"certificates, RSA of 2048 bits or more, EC of P-256, P-384 or P-521, "
			"or Ed25519 or Ed448";
	return NULL;
}

BeKeys *
be_keys_create(const BeConfig *config, char *error, size_t error_size)
{
	BeKeys	   *keys = be_alloc(sizeof(*keys));
	const char *wrong = read_keys(keys, config);
	bool		good = wrong == NULL &&
		be_jwks_read(keys, config->jwks, error, error_size);

	ERR_clear_error();
	if (good)
		return keys;
	if (wrong)
		snprintf(error, error_size, "%s", wrong);
	be_keys_free(keys);
	return NULL;
}

void
be_keys_free(BeKeys *keys)
{
	if (keys == NULL)
		return;
	for (int i = 0; i < keys->count; i++)
		be_key_free(keys->key[i]);
	free(keys);
}

static bool
has_name(const BeKey *key, const char *kid)
{
	return be_key_kid(key) && strcmp(be_key_kid(key), kid) == 0;
}

static bool
any_has_name(const BeKeys *keys, const char *kid)
{
	for (int i = 0; i < keys->count; i++)
		if (has_name(keys->key[i], kid))
			return true;
	return false;
}

const char *
be_keys_verify(const BeKeys *keys, const BeJws *jws)
{
	bool		named = jws->kid && any_has_name(keys, jws->kid);

	if (!keys->allowed[jws->algorithm])
		return "the token's header is not acceptable";
	for (int i = 0; i < keys->count; i++)
	{
		const BeKey *key = keys->key[i];
		bool		chosen = named ? has_name(key, jws->kid) :
			jws->kid == NULL || be_key_kid(key) == NULL;

		if (chosen && be_key_verify(key, jws))
			return NULL;
	}
	return "the token's signature is not valid";
}
