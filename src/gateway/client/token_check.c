/*
 * token_check.c - an attempt to show a good token, by whatever route.
 */
#include "gateway/client/token_check.h"
#include "gateway/session/abuse.h"
#include "common/program/wall_clock.h"

double
bev_token_check_wait(BevClient *client)
{
	BevGateway *gateway = client->gateway;
	double wait = bev_addresses_blocked(gateway->addresses, bev_client_address(client),
	                                    gateway->config->auth_failure_rate, uv_now(&gateway->loop));

	if (wait > 0)
		bev_abuse_note(client, BEV_COUNT_ABUSE_too_many_failures);
	return wait;
}

BevTokenResult
bev_token_check(BevClient *client, const char *token, BevClaims *claims, const char **why)
{
	BevGateway *gateway = client->gateway;
	BevTokenResult result =
		bev_token_verify(gateway->keyring, gateway->config, token, bev_wall_clock(), claims, why);

	if (result == BEV_TOKEN_GOOD)
		return result;
	bev_abuse_note(client, result == BEV_TOKEN_EXPIRED ? BEV_COUNT_ABUSE_expired_token :
	                                                     BEV_COUNT_ABUSE_invalid_token);
	bev_addresses_failure(gateway->addresses, bev_client_address(client),
	                      gateway->config->auth_failure_rate, uv_now(&gateway->loop));
	return result;
}
