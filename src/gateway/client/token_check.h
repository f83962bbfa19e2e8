/*
 * token_check.h - how often an address may show a token that is no good.
 *
 *	wait for the address --> > 0: refuse, whatever the token
 *	                    \--> 0: have the token checked --> bad: the address has one less
 *
 * The handshake, authenticate and /metrics take tokens; an address has one bucket for
 * the bad ones of all of them.  Those that are being checked are not in it yet.
 */
#ifndef BEV_GATEWAY_CLIENT_TOKEN_CHECK_H
#define BEV_GATEWAY_CLIENT_TOKEN_CHECK_H

#include "gateway/config/config.h"
#include "gateway/net/address.h"
#include "gateway/session/session.h"

typedef struct BevTokenCheck
{
	const BevConfig *config;
	BevAddresses *addresses;
} BevTokenCheck;

/* What one that has to wait is told. */
#define BEV_ATTEMPTS_REFUSED "too many tokens from your address were no good"

/* Seconds until a token from the session's address will be looked at; 0: now. */
extern double bev_token_check_wait(const BevTokenCheck *tokens, BevSession *session);

/* The session's token was no good. */
extern void bev_token_check_failed(const BevTokenCheck *tokens, BevSession *session, bool expired);

#endif /* BEV_GATEWAY_CLIENT_TOKEN_CHECK_H */
