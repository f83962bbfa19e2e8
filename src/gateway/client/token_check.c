/*
 * token_check.c - how often an address may show a token that is no good.
 */
#include "gateway/client/token_check.h"

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

void
bev_token_check_failed(const BevTokenCheck *tokens, BevSession *session, bool expired)
{
	bev_session_abuse(session,
	                  expired ? BEV_COUNT_ABUSE_expired_token : BEV_COUNT_ABUSE_invalid_token);
	bev_addresses_take(tokens->addresses, bev_session_rated_address(session), BEV_SPENT_FAILURE,
	                   tokens->config->auth_failure_rate, bev_session_now(session));
}
