/*
 * hash.c - the hash of names that come from outside.
 *
 * Model: FNV-1a with a random start and a shift, which is enough for tables that
 * compare the names as well.
 */
#include "common/program/hash.h"

#include <openssl/rand.h>

static uint32_t
seed(void)
{
	static uint32_t chosen;

	if (chosen == 0 && (RAND_bytes((unsigned char *) &chosen, sizeof(chosen)) != 1 || chosen == 0))
		chosen = 0x9e3779b9;
	return chosen;
}

uint32_t
bev_hash(BevSpan name)
{
	uint32_t hash = seed();

	for (uint32_t i = 0; i < name.len; i++)
	{
		hash = (hash ^ (unsigned char) name.data[i]) * 0x01000193;
		hash ^= hash >> 15;
	}
	return hash;
}
