/*
 * keys.h - reads the keys that a configuration names.
 */
#ifndef BEV_VERIFIER_TOKEN_KEYS_H
#define BEV_VERIFIER_TOKEN_KEYS_H

#include <stddef.h>

#include "verifier/token/token_settings.h"
#include "verifier/token/keyring.h"

/* NULL when a key can't be read: error says why, without the key. */
extern BevKeyring *bev_keys_read(const BevTokenSettings *settings, char *error, size_t error_size);

#endif /* BEV_VERIFIER_TOKEN_KEYS_H */
