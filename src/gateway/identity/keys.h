/*
 * keys.h - the keys and algorithms that a configuration accepts.
 */
#ifndef BEV_GATEWAY_IDENTITY_KEYS_H
#define BEV_GATEWAY_IDENTITY_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/config/config.h"
#include "gateway/identity/key.h"

typedef struct BevKeys BevKeys;

/* A token without a key's name is tried with each, so there can't be many. */
#define BEV_KEYS_MAX 64

/* NULL when a key can't be read: error says why, without the key. */
extern BevKeys *bev_keys_create(const BevConfig *config, char *error, size_t error_size);
extern void bev_keys_free(BevKeys *keys);

/* For the readers of key files.  Takes the key.  False: there is no more room. */
extern bool bev_keys_add(BevKeys *keys, BevKey *key);

/*
 * NULL: a key that may verify the token does.  Else what is wrong.
 *
 * Where the token names a key ("kid"), that is the one; if none has this name,
 * those that have no name at all are tried, which are the keys of PEM files and
 * the secret.
 */
extern const char *bev_keys_verify(const BevKeys *keys, const BevJws *jws);

#endif /* BEV_GATEWAY_IDENTITY_KEYS_H */
