/*
 * keyring.h - the keys and algorithms that tokens may be signed with.
 */
#ifndef BEV_VERIFIER_TOKEN_KEYRING_H
#define BEV_VERIFIER_TOKEN_KEYRING_H

#include <stdbool.h>

#include "verifier/token/key.h"

typedef struct BevKeyring BevKeyring;

/* A token without a key's name is tried with each, so there can't be many. */
#define BEV_KEYRING_MAX 64

/* No keys, and no algorithm is allowed. */
extern BevKeyring *bev_keyring_create(void);
extern void bev_keyring_free(BevKeyring *keyring);

/* Allow an algorithm: its place in bev_algorithms. */
extern void bev_keyring_allow(BevKeyring *keyring, int algorithm);

/* The algorithm among those that are allowed that needs the longest secret; -1: none needs one. */
extern int bev_keyring_longest_hmac(const BevKeyring *keyring);

/* Takes the key.  False: there is no more room. */
extern bool bev_keyring_add(BevKeyring *keyring, BevKey *key);

/* Without a key no token can be good; NULL has none. */
extern bool bev_keyring_is_empty(const BevKeyring *keyring);

/*
 * NULL: a key that may verify the token does.  Else what is wrong: a constant text.
 *
 * Where the token names a key ("kid"), that is the one; if none has this name,
 * those that have no name at all are tried, which are the keys of PEM files and
 * the secret.
 */
extern const char *bev_keyring_verify(const BevKeyring *keyring, const BevJws *jws);

#endif /* BEV_VERIFIER_TOKEN_KEYRING_H */
