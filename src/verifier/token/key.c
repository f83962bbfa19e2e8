/*
 * key.c - one key that verifies tokens.
 *
 * Model: cjose verifies, but for EdDSA, which it does not know: that is one call
 * of OpenSSL.  What decides which function verifies is the algorithm, and that
 * must be one of the key's kind.  The length of a signature is checked here: cjose
 * 0.6 halves whatever it is given for an ECDSA signature, and takes an RSA-PSS
 * one without its leading zeros, so that one token would have many spellings.
 */
#include "verifier/token/key.h"
#include "common/program/memory.h"

#include <cjose/cjose.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct BevKey
{
	BevKeyKind kind;
	cjose_jwk_t *jwk;     /* of all kinds but Edwards */
	EVP_PKEY *pkey;       /* of Edwards keys */
	size_t signature_len; /* 0: the algorithm's */
	size_t secret_len;    /* of secrets */
	char *kid;            /* NULL: none */
	int algorithm;        /* -1: each of the kind */
};

static BevKey *
create(BevKeyKind kind, cjose_jwk_t *jwk, EVP_PKEY *pkey, size_t signature_len)
{
	BevKey *key;

	if (jwk == NULL && pkey == NULL)
		return NULL;
	key = bev_alloc(sizeof(*key));
	*key = (BevKey){
		.kind = kind, .jwk = jwk, .pkey = pkey, .signature_len = signature_len, .algorithm = -1};
	return key;
}

BevKey *
bev_key_secret(BevBytes secret)
{
	cjose_err err;
	BevKey *key;

	if (secret.len < BEV_SECRET_MIN)
		return NULL;
	key = create(BEV_KEY_SECRET, cjose_jwk_create_oct_spec(secret.data, secret.len, &err), NULL, 0);
	if (key)
		key->secret_len = secret.len;
	return key;
}

BevKey *
bev_key_rsa(BevBytes n, BevBytes e)
{
	/* cjose does not write to them, but doesn't say so. */
	cjose_jwk_rsa_keyspec spec = {
		.n = (uint8_t *) n.data, .nlen = n.len, .e = (uint8_t *) e.data, .elen = e.len};
	cjose_err err;

	if (n.len < 256 || n.len > BEV_SIGNATURE_MAX || n.data[0] == 0 ||
	    (n.len == 256 && n.data[0] < 0x80))
		return NULL;
	/* Odd; with 1 as exponent anything would be a signature of itself. */
	if (e.len == 0 || e.len > 8 || e.data[0] == 0 || e.data[e.len - 1] % 2 == 0 ||
	    (e.len == 1 && e.data[0] == 1))
		return NULL;
	return create(BEV_KEY_RSA, cjose_jwk_create_RSA_spec(&spec, &err), NULL, n.len);
}

BevKey *
bev_key_ec(BevKeyKind curve, BevBytes x, BevBytes y)
{
	static const struct
	{
		cjose_jwk_ec_curve name;
		size_t len;
	} curves[] = {
		[BEV_KEY_P256] = {CJOSE_JWK_EC_P_256, 32},
		[BEV_KEY_P384] = {CJOSE_JWK_EC_P_384, 48},
		[BEV_KEY_P521] = {CJOSE_JWK_EC_P_521, 66},
	};
	cjose_jwk_ec_keyspec spec = {.crv = curves[curve].name,
	                             .x = (uint8_t *) x.data,
	                             .xlen = x.len,
	                             .y = (uint8_t *) y.data,
	                             .ylen = y.len};
	cjose_err err;

	if (x.len != curves[curve].len || y.len != curves[curve].len)
		return NULL;
	return create(curve, cjose_jwk_create_EC_spec(&spec, &err), NULL, 0);
}

BevKey *
bev_key_edwards(const char *curve, BevBytes x)
{
	bool is_448 = strcmp(curve, "Ed448") == 0;
	int type = is_448 ? EVP_PKEY_ED448 : EVP_PKEY_ED25519;

	return create(BEV_KEY_EDWARDS, NULL, EVP_PKEY_new_raw_public_key(type, NULL, x.data, x.len),
	              is_448 ? 114 : 64);
}

void
bev_key_free(BevKey *key)
{
	if (key == NULL)
		return;
	cjose_jwk_release(key->jwk);
	EVP_PKEY_free(key->pkey);
	free(key->kid);
	free(key);
}

/* cjose asks for it from 0.6.2.4 on, and then says no more than that the token is bad. */
static bool
secret_is_long_enough(const BevKey *key, const BevAlgorithm *algorithm)
{
	return key->kind != BEV_KEY_SECRET || key->secret_len >= algorithm->signature_len;
}

bool
bev_key_label(BevKey *key, const char *kid, int algorithm)
{
	if (algorithm >= 0 && (bev_algorithms[algorithm].kind != key->kind ||
	                       !secret_is_long_enough(key, &bev_algorithms[algorithm])))
		return false;
	key->algorithm = algorithm;
	key->kid = kid ? bev_copy_text(kid, strlen(kid)) : NULL;
	return true;
}

const char *
bev_key_kid(const BevKey *key)
{
	return key->kid;
}

static bool
verify_edwards(const BevKey *key, const BevJws *jws)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good = context != NULL &&
	            EVP_DigestVerifyInit(context, NULL, NULL, NULL, key->pkey) == 1 &&
	            EVP_DigestVerify(context, jws->signature, jws->signature_len,
	                             (const unsigned char *) jws->text, jws->signed_len) == 1;

	EVP_MD_CTX_free(context);
	return good;
}

static bool
verify_jws(const BevKey *key, const BevJws *jws)
{
	cjose_err err;
	cjose_jws_t *imported = cjose_jws_import(jws->text, strlen(jws->text), &err);
	bool good = imported != NULL && cjose_jws_verify(imported, key->jwk, &err);

	if (imported)
		cjose_jws_release(imported);
	return good;
}

bool
bev_key_verify(const BevKey *key, const BevJws *jws)
{
	const BevAlgorithm *algorithm = &bev_algorithms[jws->algorithm];
	size_t len = algorithm->signature_len ? algorithm->signature_len : key->signature_len;

	if (algorithm->kind != key->kind || jws->signature_len != len ||
	    !secret_is_long_enough(key, algorithm) ||
	    (key->algorithm >= 0 && key->algorithm != jws->algorithm))
		return false;
	return key->kind == BEV_KEY_EDWARDS ? verify_edwards(key, jws) : verify_jws(key, jws);
}
