/*
 * token_check.h - an attempt to show a good token, by whatever route.
 *
 *	wait for the address --> > 0: refuse, whatever the token
 *	                    \--> 0: check the token --> bad: the address has one less
 *
 * The handshake, authenticate and /metrics take tokens; an address has one bucket for
 * the bad ones of all of them.
 */
#ifndef BEV_GATEWAY_CLIENT_TOKEN_CHECK_H
#define BEV_GATEWAY_CLIENT_TOKEN_CHECK_H

#include "gateway/identity/token.h"
#include "gateway/net/address.h"
#include "gateway/session/session.h"

typedef struct BevTokenCheck
{
	const BevConfig *config;
	BevKeyring *keyring; /* NULL: no token can be good */
	BevAddresses *addresses;
} BevTokenCheck;

/* What one that has to wait is told. */
#define BEV_ATTEMPTS_REFUSED "too many tokens from your address were no good"

/* Seconds until a token from the session's address will be looked at; 0: now. */
extern double bev_token_check_wait(const BevTokenCheck *tokens, BevSession *session);

/* As bev_token_verify, of which it keeps count. */
extern BevTokenResult bev_token_check(const BevTokenCheck *tokens, BevSession *session,
                                      const char *token, BevClaims *claims, const char **why);

#endif /* BEV_GATEWAY_CLIENT_TOKEN_CHECK_H */
