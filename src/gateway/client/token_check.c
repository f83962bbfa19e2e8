/*
 * token_check.c - an attempt to show a good token, by whatever route.
 */
#include "gateway/client/token_check.h"
#include "common/program/wall_clock.h"

double
bev_token_check_wait(const BevTokenCheck *tokens, BevSession *session)
{
	double wait = bev_addresses_blocked(tokens->addresses, bev_session_rated_address(session),
	                                    BEV_SPENT_FAILURE, tokens->config->auth_failure_rate,
	                                    bev_session_now(session));

	if (wait > 0)
		bev_session_abuse(session, BEV_COUNT_ABUSE_too_many_failures);
	return wait;
}

BevTokenResult
bev_token_check(const BevTokenCheck *tokens, BevSession *session, const char *token,
                BevClaims *claims, const char **why)
{
	BevTokenResult result =
		bev_token_verify(tokens->keyring, tokens->config, token, bev_wall_clock(), claims, why);

	if (result == BEV_TOKEN_GOOD)
		return result;
	bev_session_abuse(session, result == BEV_TOKEN_EXPIRED ? BEV_COUNT_ABUSE_expired_token :
	                                                         BEV_COUNT_ABUSE_invalid_token);
	bev_addresses_take(tokens->addresses, bev_session_rated_address(session), BEV_SPENT_FAILURE,
	                   tokens->config->auth_failure_rate, bev_session_now(session));
	return result;
}
