/*
 * pem.h - public keys and certificates in PEM.
 */
#ifndef BE_GATEWAY_IDENTITY_PEM_H
#define BE_GATEWAY_IDENTITY_PEM_H

#include "gateway/identity/keys.h"

/*
 * Add the key of every block of the text, which may be empty.  False: there is a
 * block that is no usable public key, or no block at all, or no room.
 */
extern bool be_pem_read(BeKeys *keys, const char *pem);

#endif							/* BE_GATEWAY_IDENTITY_PEM_H */
