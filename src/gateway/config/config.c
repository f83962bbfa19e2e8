/*
 * config.c - the settings, as the dispatcher sends them.
 *
 * Model: one table of the members; the ranges are those of postgresql.conf, and
 * a value outside is brought back into them, since the dispatcher has checked.
 */
#include "gateway/config/config.h"
#include "common/program/member.h"
#include "common/program/memory.h"

#include <stdlib.h>

#define AT(field) offsetof(BevConfig, field)

static const BevMember members[] = {
	{"tls", BEV_MEMBER_NUMBER, AT(tls), NULL, 0, 0, 1},
	{"tls_cert", BEV_MEMBER_TEXT, AT(tls_cert), "", 0, 0, 0},
	{"tls_key", BEV_MEMBER_TEXT, AT(tls_key), "", 0, 0, 0},
	{"tls_min_version", BEV_MEMBER_NUMBER, AT(tls_min_version), NULL, 12, 12, 13},
	{"window_size", BEV_MEMBER_SIZE, AT(window_size), NULL, 64 << 20, 1 << 20, INT64_C(1) << 40},
	{"state_cache_size", BEV_MEMBER_SIZE, AT(state_cache_size), NULL, 64 << 20, 1 << 20,
     INT64_C(1) << 40},
	{"max_connections", BEV_MEMBER_NUMBER, AT(max_connections), NULL, 10000, 1, 1000000},
	{"max_connections_per_user", BEV_MEMBER_NUMBER, AT(max_connections_per_user), NULL, 3, 1,
     1000000},
	{"max_unauthenticated_connections", BEV_MEMBER_NUMBER, AT(max_unauthenticated_connections),
     NULL, 10000, 1, 1000000},
	{"max_unauthenticated_per_address", BEV_MEMBER_NUMBER, AT(max_unauthenticated_per_address),
     NULL, 100, 1, 1000000},
	{"message_rate", BEV_MEMBER_NUMBER, AT(message_rate), NULL, 60, 0, 1000000},
	{"max_message_size", BEV_MEMBER_SIZE, AT(max_message_size), NULL, 65536, 128, 16 << 20},
	{"ping_interval", BEV_MEMBER_NUMBER, AT(ping_interval), NULL, 30000, 0, 86400000},
	{"connection_timeout", BEV_MEMBER_NUMBER, AT(connection_timeout), NULL, 60000, 1, 86400000},
	{"client_lag_limit", BEV_MEMBER_NUMBER, AT(client_lag_limit), NULL, 0, 0, INT32_MAX},
	{"log_slow_delivery", BEV_MEMBER_NUMBER, AT(log_slow_delivery), NULL, -1, -1, INT32_MAX},
	{"allowed_origins", BEV_MEMBER_TEXT, AT(allowed_origins), "", 0, 0, 0},
	{"handshake_rate", BEV_MEMBER_NUMBER, AT(handshake_rate), NULL, 600, 0, 1000000},
	{"auth_failure_rate", BEV_MEMBER_NUMBER, AT(auth_failure_rate), NULL, 30, 0, 1000000},
	{"trusted_proxies", BEV_MEMBER_TEXT, AT(trusted_proxies), "", 0, 0, 0},
	{"require_user", BEV_MEMBER_NUMBER, AT(require_user), NULL, 0, 0, 1},
	{"place_key", BEV_MEMBER_TEXT, AT(place_key), "", 0, 0, 0},
};

#define MEMBERS (sizeof(members) / sizeof(members[0]))

BevConfig *
bev_config_read(const char *json, size_t len, char *error, size_t error_size)
{
	BevConfig *config = bev_alloc(sizeof(*config));

	if (bev_members_read(config, members, MEMBERS, json, len, error, error_size))
		return config;
	bev_config_free(config);
	return NULL;
}

void
bev_config_clear(BevConfig *config)
{
	bev_members_clear(config, members, MEMBERS);
	*config = (BevConfig){0};
}

void
bev_config_free(BevConfig *config)
{
	if (config == NULL)
		return;
	bev_config_clear(config);
	free(config);
}

void
bev_config_replace(BevConfig *config, BevConfig *with)
{
	bev_config_clear(config);
	*config = *with;
	free(with);
}
