/*
 * key.h - one key that verifies tokens.
 *
 * The only module that does cryptography, by cjose and OpenSSL.  Keys are public
 * ones, or secrets; nothing here can sign with a key of two halves.
 */
#ifndef BE_GATEWAY_IDENTITY_KEY_H
#define BE_GATEWAY_IDENTITY_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/identity/algorithm.h"
#include "gateway/identity/jws.h"

typedef struct BeKey BeKey;

typedef struct BeBytes
{
	const unsigned char *data;
	size_t		len;
} BeBytes;

/*
 * What a key must have (RFC 7518, sections 3.2, 3.3 and 6; RFC 8037, section 2):
 * a secret 32 bytes; RSA a modulus of 2048 to 16384 bits without a leading zero
 * and an odd exponent; EC a point of the curve, its coordinates at full length;
 * Edwards curves ("Ed25519", "Ed448") their point at full length.
 */
#define BE_SECRET_MIN		32

/* NULL: not such a key. */
extern BeKey *be_key_secret(BeBytes secret);
extern BeKey *be_key_rsa(BeBytes n, BeBytes e);
extern BeKey *be_key_ec(BeKeyKind curve, BeBytes x, BeBytes y);
extern BeKey *be_key_edwards(const char *curve, BeBytes x);

extern void be_key_free(BeKey *key);

/*
 * Give the key a name, and bind it to one algorithm (its place in be_algorithms).
 * False: the algorithm is not one of this kind of key.
 */
extern bool be_key_label(BeKey *key, const char *kid, int algorithm);

/* NULL: it has none. */
extern const char *be_key_kid(const BeKey *key);

/* Is the signature good, and the algorithm one for this key? */
extern bool be_key_verify(const BeKey *key, const BeJws *jws);

#endif							/* BE_GATEWAY_IDENTITY_KEY_H */
