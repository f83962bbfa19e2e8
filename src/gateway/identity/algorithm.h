/*
 * algorithm.h - the signature algorithms of tokens (RFC 7518, RFC 8037).
 */
#ifndef BE_GATEWAY_IDENTITY_ALGORITHM_H
#define BE_GATEWAY_IDENTITY_ALGORITHM_H

#include <stddef.h>

/*
 * What verifies.  Each algorithm goes with one kind of key, so that a public key
 * can never be taken for a secret.
 */
typedef enum BeKeyKind
{
	BE_KEY_SECRET,
	BE_KEY_RSA,
	BE_KEY_P256,
	BE_KEY_P384,
	BE_KEY_P521,
	BE_KEY_EDWARDS				/* Ed25519, Ed448 */
} BeKeyKind;

typedef struct BeAlgorithm
{
	const char *name;
	BeKeyKind	kind;
	size_t		signature_len;	/* 0: the key's */
} BeAlgorithm;

#define BE_ALGORITHMS	13
extern const BeAlgorithm be_algorithms[BE_ALGORITHMS];

/* Place in be_algorithms; -1: there is none of this name. */
extern int	be_algorithm_find(const char *name, size_t len);

#endif							/* BE_GATEWAY_IDENTITY_ALGORITHM_H */
