/*
 * algorithm.c - the signature algorithms of tokens.
 */
#include "verifier/token/algorithm.h"

#include <string.h>

const BevAlgorithm bev_algorithms[BEV_ALGORITHMS] = {
	{"HS256", BEV_KEY_SECRET, 32}, {"HS384", BEV_KEY_SECRET, 48}, {"HS512", BEV_KEY_SECRET, 64},
	{"RS256", BEV_KEY_RSA, 0},     {"RS384", BEV_KEY_RSA, 0},     {"RS512", BEV_KEY_RSA, 0},
	{"PS256", BEV_KEY_RSA, 0},     {"PS384", BEV_KEY_RSA, 0},     {"PS512", BEV_KEY_RSA, 0},
	{"ES256", BEV_KEY_P256, 64},   {"ES384", BEV_KEY_P384, 96},   {"ES512", BEV_KEY_P521, 132},
	{"EdDSA", BEV_KEY_EDWARDS, 0},
};

int
bev_algorithm_find(const char *name, size_t len)
{
	for (int i = 0; i < BEV_ALGORITHMS; i++)
		if (strlen(bev_algorithms[i].name) == len && memcmp(bev_algorithms[i].name, name, len) == 0)
			return i;
	return -1;
}
