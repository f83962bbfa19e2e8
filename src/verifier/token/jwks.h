/*
 * jwks.h - a JSON Web Key Set (RFC 7517, RFC 8037).
 */
#ifndef BEV_VERIFIER_TOKEN_JWKS_H
#define BEV_VERIFIER_TOKEN_JWKS_H

#include "verifier/token/keyring.h"

/*
 * Add the keys of the text, which may be empty.  Keys of a type, curve, use or
 * algorithm that is not ours are passed over (RFC 7517, section 5).  False: it is no
 * key set, a key is malformed, weak or private, or none is left; error says which.
 */
extern bool bev_jwks_read(BevKeyring *keyring, const char *text, char *error, size_t error_size);

#endif /* BEV_VERIFIER_TOKEN_JWKS_H */
