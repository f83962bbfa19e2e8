/*
 * jws.h - a token's compact form and its header (RFC 7515, sections 3 and 4).
 *
 * Memory: the token that is read must outlive the BevJws.
 */
#ifndef BEV_VERIFIER_TOKEN_JWS_H
#define BEV_VERIFIER_TOKEN_JWS_H

#include <jansson.h>
#include <stddef.h>

/* That of an RSA key of 16384 bits, the largest that OpenSSL takes. */
#define BEV_SIGNATURE_MAX 2048

typedef struct BevJws
{
	const char *text; /* HEADER.CLAIMS.SIGNATURE */
	size_t header_len;
	size_t signed_len; /* of HEADER.CLAIMS */
	int algorithm;     /* place in bev_algorithms */
	json_t *header;
	const char *kid; /* of the header; NULL: it names no key */
	unsigned char signature[BEV_SIGNATURE_MAX];
	size_t signature_len;
} BevJws;

/*
 * Read all but the claims.  NULL, or what is wrong: a constant text.  To be freed
 * in either case.
 */
extern const char *bev_jws_read(BevJws *jws, const char *token);

/* The claims, once the signature is known to be good; NULL: they are no JSON. */
extern json_t *bev_jws_claims(const BevJws *jws);

extern void bev_jws_free(BevJws *jws);

#endif /* BEV_VERIFIER_TOKEN_JWS_H */
