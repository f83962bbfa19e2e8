/*
 * pem.h - public keys and certificates in PEM.
 */
#ifndef BEV_VERIFIER_TOKEN_PEM_H
#define BEV_VERIFIER_TOKEN_PEM_H

#include "verifier/token/keyring.h"

/*
 * Add the key of every block of the text, which may be empty.  False: there is a
 * block that is no usable public key, or no block at all, or no room.
 */
extern bool bev_pem_read(BevKeyring *keyring, const char *pem);

#endif /* BEV_VERIFIER_TOKEN_PEM_H */
