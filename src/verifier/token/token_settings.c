/*
 * token_settings.c - what tokens are checked by, as the dispatcher sends it.
 */
#include "verifier/token/token_settings.h"
#include "common/program/member.h"
#include "common/program/memory.h"

#include <stdlib.h>

#define AT(field) offsetof(BevTokenSettings, field)

static const BevMember members[] = {
	{"jwt_secret", BEV_MEMBER_TEXT, AT(jwt_secret), "", 0, 0, 0},
	{"jwt_key", BEV_MEMBER_TEXT, AT(jwt_key), "", 0, 0, 0},
	{"jwks", BEV_MEMBER_TEXT, AT(jwks), "", 0, 0, 0},
	{"jwt_algorithms", BEV_MEMBER_TEXT, AT(jwt_algorithms), "HS256,RS256,ES256", 0, 0, 0},
	{"jwt_issuer", BEV_MEMBER_TEXT, AT(jwt_issuer), "", 0, 0, 0},
	{"jwt_audience", BEV_MEMBER_TEXT, AT(jwt_audience), "", 0, 0, 0},
	{"jwt_leeway", BEV_MEMBER_NUMBER, AT(jwt_leeway), NULL, 30000, 0, 86400000},
};

#define MEMBERS (sizeof(members) / sizeof(members[0]))

BevTokenSettings *
bev_token_settings_read(const char *json, size_t len, char *error, size_t error_size)
{
	BevTokenSettings *settings = bev_alloc(sizeof(*settings));

	if (bev_members_read(settings, members, MEMBERS, json, len, error, error_size))
		return settings;
	bev_token_settings_free(settings);
	return NULL;
}

void
bev_token_settings_free(BevTokenSettings *settings)
{
	if (settings == NULL)
		return;
	bev_members_clear(settings, members, MEMBERS);
	free(settings);
}
