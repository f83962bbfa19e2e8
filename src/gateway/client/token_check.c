/*
 * token_check.c - an attempt to show a good token, by whatever route.
 */
#include "gateway/client/token_check.h"
#include "gateway/session/abuse.h"

double
be_attempt_wait(BeClient *client)
{
	BeGateway  *gateway = client->gateway;
	double		wait = be_addresses_blocked(gateway->addresses, be_client_address(client),
											gateway->config->auth_failure_rate,
											uv_now(&gateway->loop));

	if (wait > 0)
		be_suspect(client, BE_COUNT_SUSPICION_too_many_failures);
	return wait;
}

BeTokenResult
be_attempt_check(BeClient *client, const char *token, BeClaims *claims, const char **why)
{
	BeGateway  *gateway = client->gateway;
	BeTokenResult result = be_token_check(gateway->keys, gateway->config, token,
										  be_wall_clock(), claims, why);

	if (result == BE_TOKEN_GOOD)
		return result;
	be_suspect(client, result == BE_TOKEN_EXPIRED ? BE_COUNT_SUSPICION_expired_token :
			   BE_COUNT_SUSPICION_invalid_token);
	be_addresses_failure(gateway->addresses, be_client_address(client),
						 gateway->config->auth_failure_rate, uv_now(&gateway->loop));
	return result;
}
