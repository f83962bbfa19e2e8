/*
 * keys.h - the keys and algorithms that a configuration accepts.
 */
#ifndef BE_GATEWAY_IDENTITY_KEYS_H
#define BE_GATEWAY_IDENTITY_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/config/config.h"
#include "gateway/identity/key.h"

typedef struct BeKeys BeKeys;

/* A token without a key's name is tried with each, so there can't be many. */
#define BE_KEYS_MAX		64

/* NULL when a key can't be read: error says why, without the key. */
extern BeKeys *be_keys_create(const BeConfig *config,
							  char *error, size_t error_size);
extern void be_keys_free(BeKeys *keys);

/* For the readers of key files.  Takes the key.  False: there is no more room. */
extern bool be_keys_add(BeKeys *keys, BeKey *key);

/*
 * NULL: a key that may verify the token does.  Else what is wrong.
 *
 * Where the token names a key ("kid"), that is the one; if none has this name,
 * those that have no name at all are tried, which are the keys of PEM files and
 * the secret.
 */
extern const char *be_keys_verify(const BeKeys *keys, const BeJws *jws);

#endif							/* BE_GATEWAY_IDENTITY_KEYS_H */
