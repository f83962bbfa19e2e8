/*
 * keys.c - reads the keys that a configuration names.
 *
 * Model: the secret, the PEM text and the key set of a configuration become one
 * keyring, in this order.  It isn't changed: a new configuration makes a new one,
 * and the old one is used until that has been read without an error.
 */
#include "verifier/token/keys.h"
#include "verifier/token/jwks.h"
#include "verifier/token/pem.h"
#include "common/program/base64.h"
#include "common/program/memory.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A secret is as long as the hash of each algorithm that it may be for (RFC 7518, 3.2). */
static size_t
secret_needs(const BevKeyring *keyring)
{
	int longest = bev_keyring_longest_hmac(keyring);

	return longest < 0 ? BEV_SECRET_MIN : bev_algorithms[longest].signature_len;
}

static bool
add_secret(BevKeyring *keyring, const char *base64)
{
	size_t len = strlen(base64);
	unsigned char *secret;
	BevKey *key = NULL;
	long n;

	if (len == 0)
		return true;
	secret = bev_alloc(len);
	n = bev_base64_decode(secret, base64, len);
	if (n > 0 && (size_t) n >= secret_needs(keyring))
		key = bev_key_secret((BevBytes){secret, (size_t) n});
	OPENSSL_cleanse(secret, len);
	free(secret);
	return key && bev_keyring_add(keyring, key);
}

/* False: a name that is not an algorithm. */
static bool
allow_algorithms(BevKeyring *keyring, const char *list)
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
		bev_keyring_allow(keyring, i);
		list += len;
	}
}

static bool
read_all_but_jwks(BevKeyring *keyring, const BevTokenSettings *settings, char *error,
                  size_t error_size)
{
	if (!allow_algorithms(keyring, settings->jwt_algorithms))
		snprintf(error, error_size, "jwt_algorithms names an unknown algorithm");
	else if (!add_secret(keyring, settings->jwt_secret))
		snprintf(error, error_size,
		         "the secret for tokens could not be read: it needs %zu bytes or more%s",
		         secret_needs(keyring),
		         secret_needs(keyring) > BEV_SECRET_MIN ? " for what jwt_algorithms allows" : "");
	else if (!bev_pem_read(keyring, settings->jwt_key))
		snprintf(error, error_size,
		         "the public keys for tokens could not be read: PEM public keys or "
		         "certificates, RSA of 2048 bits or more, EC of P-256, P-384 or P-521, "
		         "or Ed25519 or Ed448");
	else
		return true;
	return false;
}

BevKeyring *
bev_keys_read(const BevTokenSettings *settings, char *error, size_t error_size)
{
	BevKeyring *keyring = bev_keyring_create();
	bool good = read_all_but_jwks(keyring, settings, error, error_size) &&
	            bev_jwks_read(keyring, settings->jwks, error, error_size);

	ERR_clear_error();
	if (good)
		return keyring;
	bev_keyring_free(keyring);
	return NULL;
}
