/*
 * token_check.h - an attempt to show a good token, by whatever route.
 *
 *	wait for the address --> > 0: refuse, whatever the token
 *	                    \--> 0: check the token --> bad: the address has one less
 *
 * The handshake, authenticate and /metrics take tokens; an address has one bucket for
 * the bad ones of all of them.
 */
#ifndef BE_GATEWAY_CLIENT_TOKEN_CHECK_H
#define BE_GATEWAY_CLIENT_TOKEN_CHECK_H

#include "gateway/client/client.h"

/* What one that has to wait is told. */
#define BE_ATTEMPTS_REFUSED	"too many tokens from your address were no good"

/* Seconds until a token from the client's address will be looked at; 0: now. */
extern double be_attempt_wait(BeClient *client);

/* As be_token_check, of which it keeps count. */
extern BeTokenResult be_attempt_check(BeClient *client, const char *token,
									  BeClaims *claims, const char **why);

#endif							/* BE_GATEWAY_CLIENT_TOKEN_CHECK_H */
