/*
 * token.h - who presents this token?
 *
 * JSON Web Tokens (RFC 7519) signed as RFC 7515 says, read strictly: what is not
 * understood is refused.
 */
#ifndef BE_GATEWAY_IDENTITY_TOKEN_H
#define BE_GATEWAY_IDENTITY_TOKEN_H

#include <stdint.h>

#include "gateway/identity/claims.h"
#include "gateway/identity/keys.h"

typedef enum BeTokenResult
{
	BE_TOKEN_GOOD,
	BE_TOKEN_INVALID,
	BE_TOKEN_EXPIRED
} BeTokenResult;

/*
 * Check a token at a time (seconds since 1970), by these keys (NULL: there are
 * none) and the issuer, audience and leeway of this configuration.  When it is not
 * good, *why is a constant text for the client and the log, and claims are empty.
 */
extern BeTokenResult be_token_check(const BeKeys *keys, const BeConfig *config,
									const char *token, int64_t now,
									BeClaims *claims, const char **why);

#endif							/* BE_GATEWAY_IDENTITY_TOKEN_H */
