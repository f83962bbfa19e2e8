/*
 * algorithm.h - the signature algorithms of tokens (RFC 7518, RFC 8037).
 */
#ifndef BEV_VERIFIER_TOKEN_ALGORITHM_H
#define BEV_VERIFIER_TOKEN_ALGORITHM_H

#include <stddef.h>

/*
 * What verifies.  Each algorithm goes with one kind of key, so that a public key
 * isn't taken for a secret (test/gateway/tokens.py).
 */
typedef enum BevKeyKind
{
	BEV_KEY_SECRET,
	BEV_KEY_RSA,
	BEV_KEY_P256,
	BEV_KEY_P384,
	BEV_KEY_P521,
	BEV_KEY_EDWARDS /* Ed25519, Ed448 */
} BevKeyKind;

typedef struct BevAlgorithm
{
	const char *name;
	BevKeyKind kind;
	size_t signature_len; /* 0: the key's */
} BevAlgorithm;

#define BEV_ALGORITHMS 13
extern const BevAlgorithm bev_algorithms[BEV_ALGORITHMS];

/* Place in bev_algorithms; -1: there is none of this name. */
extern int bev_algorithm_find(const char *name, size_t len);

#endif /* BEV_VERIFIER_TOKEN_ALGORITHM_H */
