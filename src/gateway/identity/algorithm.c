/*
 * algorithm.c - the signature algorithms of tokens.
 */
#include "gateway/identity/algorithm.h"

#include <string.h>

const BeAlgorithm be_algorithms[BE_ALGORITHMS] = {
	{"HS256", BE_KEY_SECRET, 32}, {"HS384", BE_KEY_SECRET, 48},
	{"HS512", BE_KEY_SECRET, 64},
	{"RS256", BE_KEY_RSA, 0}, {"RS384", BE_KEY_RSA, 0}, {"RS512", BE_KEY_RSA, 0},
	{"PS256", BE_KEY_RSA, 0}, {"PS384", BE_KEY_RSA, 0}, {"PS512", BE_KEY_RSA, 0},
	{"ES256", BE_KEY_P256, 64}, {"ES384", BE_KEY_P384, 96},
	{"ES512", BE_KEY_P521, 132},
	{"EdDSA", BE_KEY_EDWARDS, 0},
};

int
be_algorithm_find(const char *name, size_t len)
{
	for (int i = 0; i < BE_ALGORITHMS; i++)
		if (strlen(be_algorithms[i].name) == len &&
			memcmp(be_algorithms[i].name, name, len) == 0)
			return i;
	return -1;
}
