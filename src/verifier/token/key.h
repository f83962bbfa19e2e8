/*
 * key.h - one key that verifies tokens.
 *
 * The only module that does cryptography, by cjose and OpenSSL.  Keys are public
 * ones, or secrets; nothing here can sign with a key of two halves.
 */
#ifndef BEV_VERIFIER_TOKEN_KEY_H
#define BEV_VERIFIER_TOKEN_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "verifier/token/algorithm.h"
#include "verifier/token/jws.h"

typedef struct BevKey BevKey;

typedef struct BevBytes
{
	const unsigned char *data;
	size_t len;
} BevBytes;

/*
 * What a key must have (RFC 7518, sections 3.2, 3.3 and 6; RFC 8037, section 2): a secret 32
 * bytes, and for an algorithm as many as its hash; RSA a modulus of 2048 to 16384 bits
 * without a leading zero and an odd exponent; EC a point of the curve, its coordinates at
 * full length; Edwards curves ("Ed25519", "Ed448") their point at full length.
 */
#define BEV_SECRET_MIN 32

/* NULL: not such a key. */
extern BevKey *bev_key_secret(BevBytes secret);
extern BevKey *bev_key_rsa(BevBytes n, BevBytes e);
extern BevKey *bev_key_ec(BevKeyKind curve, BevBytes x, BevBytes y);
extern BevKey *bev_key_edwards(const char *curve, BevBytes x);

extern void bev_key_free(BevKey *key);

/*
 * Give the key a name, and bind it to one algorithm (its place in bev_algorithms).
 * False: the algorithm is not one of this kind of key, or the secret is too short for it.
 */
extern bool bev_key_label(BevKey *key, const char *kid, int algorithm);

/* NULL: it has none. */
extern const char *bev_key_kid(const BevKey *key);

/* Is the signature good, and the algorithm one for this key? */
extern bool bev_key_verify(const BevKey *key, const BevJws *jws);

#endif /* BEV_VERIFIER_TOKEN_KEY_H */
