/*
 * keys.h - reads the keys that a configuration names.
 */
#ifndef BEV_GATEWAY_IDENTITY_KEYS_H
#define BEV_GATEWAY_IDENTITY_KEYS_H

#include <stddef.h>

#include "gateway/config/config.h"
#include "gateway/identity/keyring.h"

/* NULL when a key can't be read: error says why, without the key. */
extern BevKeyring *bev_keys_read(const BevConfig *config, char *error, size_t error_size);

#endif /* BEV_GATEWAY_IDENTITY_KEYS_H */
