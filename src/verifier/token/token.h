/*
 * token.h - who presents this token?
 *
 * JSON Web Tokens (RFC 7519) signed as RFC 7515 says, read strictly: what is not
 * understood is refused.
 */
#ifndef BEV_VERIFIER_TOKEN_TOKEN_H
#define BEV_VERIFIER_TOKEN_TOKEN_H

#include <stdint.h>

#include "common/pipe/message.h"
#include "verifier/token/claims.h"
#include "verifier/token/keyring.h"

/*
 * Check a token at a time (seconds since 1970), by these keys (NULL: there are
 * none) and the issuer, audience and leeway of this configuration.  When it is not
 * good, *why is a constant text for the client and the log, and claims are empty.
 */
extern BevTokenResult bev_token_verify(const BevKeyring *keyring, const BevTokenSettings *settings,
                                       const char *token, int64_t now, BevClaims *claims,
                                       const char **why);

#endif /* BEV_VERIFIER_TOKEN_TOKEN_H */
