/*
 * jwks.c - a JSON Web Key Set.
 *
 * Model: the first member that decides is "kty".  A set is published for everyone
 * who talks to the issuer, so it may hold keys for other purposes, and of types
 * that are not known here: those are passed over.  One that is ours and can't be
 * used is an error, because somebody will miss it.
 *
 * Private keys are refused: what faces the network has no use for them.
 */
#include "verifier/token/jwks.h"
#include "common/program/base64.h"
#include "common/program/memory.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
is_text(const json_t *value, const char *text)
{
	return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

/* A member of the key as bytes; none: it is not there, or not base64url. */
static BevBytes
bytes_of(const json_t *jwk, const char *name)
{
	const json_t *value = json_object_get(jwk, name);
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);
	unsigned char *dst;

	if (text == NULL || !bev_base64url_is_canonical(text, len))
		return (BevBytes){0};
	dst = bev_alloc(BEV_BASE64_DECODED(len));
	return (BevBytes){dst, (size_t) bev_base64url_decode(dst, text, len)};
}

static void
wipe(BevBytes bytes)
{
	OPENSSL_cleanse((void *) bytes.data, bytes.len);
	free((void *) bytes.data);
}

/* ---- What it is for ---- */

/* Absent, or one of the operations is to verify. */
static bool
may_verify(const json_t *operations)
{
	if (operations == NULL)
		return true;
	for (size_t i = 0; i < json_array_size(operations); i++)
		if (is_text(json_array_get(operations, i), "verify"))
			return true;
	return false;
}

typedef BevKey *(*Make)(const json_t *jwk);

static BevKey *
make_secret(const json_t *jwk)
{
	BevBytes k = bytes_of(jwk, "k");
	BevKey *key = bev_key_secret(k);

	wipe(k);
	return key;
}

static BevKey *
make_rsa(const json_t *jwk)
{
	BevBytes n = bytes_of(jwk, "n");
	BevBytes e = bytes_of(jwk, "e");
	BevKey *key = bev_key_rsa(n, e);

	wipe(n);
	wipe(e);
	return key;
}

static BevKey *
make_ec(const json_t *jwk, BevKeyKind curve)
{
	BevBytes x = bytes_of(jwk, "x");
	BevBytes y = bytes_of(jwk, "y");
	BevKey *key = bev_key_ec(curve, x, y);

	wipe(x);
	wipe(y);
	return key;
}

static BevKey *
make_p256(const json_t *jwk)
{
	return make_ec(jwk, BEV_KEY_P256);
}

static BevKey *
make_p384(const json_t *jwk)
{
	return make_ec(jwk, BEV_KEY_P384);
}

static BevKey *
make_p521(const json_t *jwk)
{
	return make_ec(jwk, BEV_KEY_P521);
}

static BevKey *
make_edwards(const json_t *jwk)
{
	BevBytes x = bytes_of(jwk, "x");
	BevKey *key = bev_key_edwards(json_string_value(json_object_get(jwk, "crv")), x);

	wipe(x);
	return key;
}

/* What makes a key of this one; NULL: it is not for us. */
static Make
maker_of(const json_t *jwk)
{
	static const struct
	{
		const char *type;
		const char *curve; /* NULL: has none */
		Make make;
	} makers[] = {
		{"oct", NULL, make_secret},     {"RSA", NULL, make_rsa},
		{"EC", "P-256", make_p256},     {"EC", "P-384", make_p384},
		{"EC", "P-521", make_p521},     {"OKP", "Ed25519", make_edwards},
		{"OKP", "Ed448", make_edwards},
	};
	const json_t *use = json_object_get(jwk, "use");

	if ((use && !is_text(use, "sig")) || !may_verify(json_object_get(jwk, "key_ops")))
		return NULL;
	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++)
		if (is_text(json_object_get(jwk, "kty"), makers[i].type) &&
		    (makers[i].curve == NULL || is_text(json_object_get(jwk, "crv"), makers[i].curve)))
			return makers[i].make;
	return NULL;
}

/* ---- The set ---- */

/*
 * NULL: it was added or passed over.  Else what is wrong with it.
 */
static const char *
add_key(BevKeyring *keyring, const json_t *jwk, bool *added)
{
	const json_t *kid = json_object_get(jwk, "kid");
	const json_t *algorithm = json_object_get(jwk, "alg");
	int bound = -1;
	Make make = maker_of(jwk);
	BevKey *key;

	if (!json_is_object(jwk) || !json_is_string(json_object_get(jwk, "kty")))
		return "is not a JSON Web Key";
	if (algorithm)
		bound = bev_algorithm_find(json_is_string(algorithm) ? json_string_value(algorithm) : "",
		                           json_string_length(algorithm));
	if (make == NULL || (algorithm && bound < 0))
		return NULL;
	if (json_object_get(jwk, "d"))
		return "is a private key; only its public half belongs here";
	if (kid && !json_is_string(kid))
		return "has a \"kid\" that is no string";
	key = make(jwk);
	if (key == NULL)
		return "is malformed or too weak";
	if (!bev_key_label(key, json_string_value(kid), bound))
	{
		bev_key_free(key);
		return "has an \"alg\" that is not one of its type, or a secret that is too short for it";
	}
	*added = true;
	return bev_keyring_add(keyring, key) ? NULL : "is one too many";
}

static bool
add_all(BevKeyring *keyring, const json_t *list, char *error, size_t error_size)
{
	bool added = false;

	for (size_t i = 0; i < json_array_size(list); i++)
	{
		const char *wrong = add_key(keyring, json_array_get(list, i), &added);

		if (wrong == NULL)
			continue;
		snprintf(error, error_size, "the key set for tokens could not be read: key %zu %s", i + 1,
		         wrong);
		return false;
	}
	if (!added)
		snprintf(error, error_size, "the key set for tokens holds no usable key");
	return added;
}

bool
bev_jwks_read(BevKeyring *keyring, const char *text, char *error, size_t error_size)
{
	json_t *set;
	const json_t *list;
	bool good = false;

	if (text[0] == '\0')
		return true;
	set = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	list = json_object_get(set, "keys");
	if (json_is_array(list))
		good = add_all(keyring, list, error, error_size);
	else
		snprintf(error, error_size,
		         "the key set for tokens could not be read: "
		         "expected a JSON object with a list \"keys\"");
	json_decref(set);
	return good;
}
