/*
 * keyring.c - the keys and algorithms that tokens may be signed with.
 *
 * Model: a list, in the order in which keys were added.
 *
 * Cost: a token that names its key costs one verification; one that doesn't, up to one
 * for each key.
 */
#include "verifier/token/keyring.h"
#include "common/program/memory.h"

#include <stdlib.h>
#include <string.h>

struct BevKeyring
{
	BevKey *key[BEV_KEYRING_MAX];
	int count;
	bool allowed[BEV_ALGORITHMS];
};

BevKeyring *
bev_keyring_create(void)
{
	return bev_alloc(sizeof(BevKeyring));
}

void
bev_keyring_free(BevKeyring *keyring)
{
	if (keyring == NULL)
		return;
	for (int i = 0; i < keyring->count; i++)
		bev_key_free(keyring->key[i]);
	free(keyring);
}

void
bev_keyring_allow(BevKeyring *keyring, int algorithm)
{
	keyring->allowed[algorithm] = true;
}

int
bev_keyring_longest_hmac(const BevKeyring *keyring)
{
	int longest = -1;

	for (int i = 0; i < BEV_ALGORITHMS; i++)
		if (keyring->allowed[i] && bev_algorithms[i].kind == BEV_KEY_SECRET &&
		    (longest < 0 ||
		     bev_algorithms[i].signature_len > bev_algorithms[longest].signature_len))
			longest = i;
	return longest;
}

bool
bev_keyring_is_empty(const BevKeyring *keyring)
{
	return keyring == NULL || keyring->count == 0;
}

bool
bev_keyring_add(BevKeyring *keyring, BevKey *key)
{
	if (keyring->count == BEV_KEYRING_MAX)
	{
		bev_key_free(key);
		return false;
	}
	keyring->key[keyring->count++] = key;
	return true;
}

static bool
has_name(const BevKey *key, const char *kid)
{
	return bev_key_kid(key) && strcmp(bev_key_kid(key), kid) == 0;
}

static bool
any_has_name(const BevKeyring *keyring, const char *kid)
{
	for (int i = 0; i < keyring->count; i++)
		if (has_name(keyring->key[i], kid))
			return true;
	return false;
}

const char *
bev_keyring_verify(const BevKeyring *keyring, const BevJws *jws)
{
	bool named = jws->kid && any_has_name(keyring, jws->kid);

	if (!keyring->allowed[jws->algorithm])
		return "the token's header is not acceptable";
	for (int i = 0; i < keyring->count; i++)
	{
		const BevKey *key = keyring->key[i];
		bool chosen =
			named ? has_name(key, jws->kid) : jws->kid == NULL || bev_key_kid(key) == NULL;

		if (chosen && bev_key_verify(key, jws))
			return NULL;
	}
	return "the token's signature is not valid";
}
