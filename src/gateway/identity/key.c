/*
 * key.c - one key that verifies tokens.
 *
 * Model: cjose verifies, but for EdDSA, which it does not know: that is one call
 * of OpenSSL.  What decides which function verifies is the algorithm, and that
 * must be one of the key's kind.  The length of a signature is checked here: cjose
 * 0.6 halves whatever it is given for an ECDSA signature, and takes an RSA-PSS
 * one without its leading zeros, so that one token would have many spellings.
 */
#include "gateway/identity/key.h"
#include "common/program/memory.h"

#include <cjose/cjose.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct BeKey
{
	BeKeyKind	kind;
	cjose_jwk_t *jwk;			/* of all kinds but Edwards */
	EVP_PKEY   *pkey;			/* of Edwards keys */
	size_t		signature_len;	/* 0: the algorithm's */
	char	   *kid;			/* NULL: none */
	int			algorithm;		/* -1: each of the kind */
};

static BeKey *
create(BeKeyKind kind, cjose_jwk_t *jwk, EVP_PKEY *pkey, size_t signature_len)
{
	BeKey	   *key;

	if (jwk == NULL && pkey == NULL)
		return NULL;
	key = be_alloc(sizeof(*key));
	*key = (BeKey) {
		.kind = kind,.jwk = jwk,.pkey = pkey,
		.signature_len = signature_len,.algorithm = -1
	};
	return key;
}

BeKey *
be_key_secret(BeBytes secret)
{
	cjose_err	err;

	if (secret.len < BE_SECRET_MIN)
		return NULL;
	return create(BE_KEY_SECRET, cjose_jwk_create_oct_spec(secret.data, secret.len, &err),
				  NULL, 0);
}

BeKey *
be_key_rsa(BeBytes n, BeBytes e)
{
	/* cjose does not write to them, but doesn't say so. */
	cjose_jwk_rsa_keyspec spec = {
		.n = (uint8_t *) n.data,.nlen = n.len,
		.e = (uint8_t *) e.data,.elen = e.len
	};
	cjose_err	err;

	if (n.len < 256 || n.len > BE_SIGNATURE_MAX || n.data[0] == 0 ||
		(n.len == 256 && n.data[0] < 0x80))
		return NULL;
	/* Odd; with 1 as exponent anything would be a signature of itself. */
	if (e.len == 0 || e.len > 8 || e.data[0] == 0 || e.data[e.len - 1] % 2 == 0 ||
		(e.len == 1 && e.data[0] == 1))
		return NULL;
	return create(BE_KEY_RSA, cjose_jwk_create_RSA_spec(&spec, &err), NULL, n.len);
}

BeKey *
be_key_ec(BeKeyKind curve, BeBytes x, BeBytes y)
{
	static const struct
	{
		cjose_jwk_ec_curve name;
		size_t		len;
	}			curves[] = {
		[BE_KEY_P256] = {CJOSE_JWK_EC_P_256, 32},
		[BE_KEY_P384] = {CJOSE_JWK_EC_P_384, 48},
		[BE_KEY_P521] = {CJOSE_JWK_EC_P_521, 66},
	};
	cjose_jwk_ec_keyspec spec = {
		.crv = curves[curve].name,
		.x = (uint8_t *) x.data,.xlen = x.len,
		.y = (uint8_t *) y.data,.ylen = y.len
	};
	cjose_err	err;

	if (x.len != curves[curve].len || y.len != curves[curve].len)
		return NULL;
	return create(curve, cjose_jwk_create_EC_spec(&spec, &err), NULL, 0);
}

BeKey *
be_key_edwards(const char *curve, BeBytes x)
{
	bool		is_448 = strcmp(curve, "Ed448") == 0;
	int			type = is_448 ? EVP_PKEY_ED448 : EVP_PKEY_ED25519;

	return create(BE_KEY_EDWARDS, NULL,
				  EVP_PKEY_new_raw_public_key(type, NULL, x.data, x.len),
				  is_448 ? 114 : 64);
}

void
be_key_free(BeKey *key)
{
	if (key == NULL)
		return;
	cjose_jwk_release(key->jwk);
	EVP_PKEY_free(key->pkey);
	free(key->kid);
	free(key);
}

bool
be_key_label(BeKey *key, const char *kid, int algorithm)
{
	if (algorithm >= 0 && be_algorithms[algorithm].kind != key->kind)
		return false;
	key->algorithm = algorithm;
	key->kid = kid ? be_copy_text(kid, strlen(kid)) : NULL;
	return true;
}

const char *
be_key_kid(const BeKey *key)
{
	return key->kid;
}

static bool
verify_edwards(const BeKey *key, const BeJws *jws)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool		good = context != NULL &&
		EVP_DigestVerifyInit(context, NULL, NULL, NULL, key->pkey) == 1 &&
		EVP_DigestVerify(context, jws->signature, jws->signature_len,
						 (const unsigned char *) jws->text, jws->signed_len) == 1;

	EVP_MD_CTX_free(context);
	return good;
}

static bool
verify_jws(const BeKey *key, const BeJws *jws)
{
	cjose_err	err;
	cjose_jws_t *imported = cjose_jws_import(jws->text, strlen(jws->text), &err);
	bool		good = imported != NULL && cjose_jws_verify(imported, key->jwk, &err);

	if (imported)
		cjose_jws_release(imported);
	return good;
}

bool
be_key_verify(const BeKey *key, const BeJws *jws)
{
	const BeAlgorithm *algorithm = &be_algorithms[jws->algorithm];
	size_t		len = algorithm->signature_len ? algorithm->signature_len :
		key->signature_len;

	if (algorithm->kind != key->kind || jws->signature_len != len ||
		(key->algorithm >= 0 && key->algorithm != jws->algorithm))
		return false;
	return key->kind == BE_KEY_EDWARDS ? verify_edwards(key, jws) :
		verify_jws(key, jws);
}
