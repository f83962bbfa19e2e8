/*
 * config.c - the settings, as the dispatcher sends them.
 *
 * Model: one table of the members; the ranges are those of postgresql.conf, and
 * a value outside is brought back into them, since the dispatcher has checked.
 */
#include "gateway/config/config.h"
#include "common/program/memory.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum Kind
{
	TEXT,
	PORT,
	NUMBER,
	SIZE
} Kind;

typedef struct Member
{
	const char *name;
	Kind kind;
	size_t offset;
	const char *text;  /* the default */
	json_int_t number; /* the default */
	json_int_t low;
	json_int_t high;
} Member;

#define AT(field) offsetof(BevConfig, field)

static const Member members[] = {
	{"listen_addresses", TEXT, AT(listen_addresses), "localhost", 0, 0, 0},
	{"port", PORT, AT(port), NULL, 8432, 0, 65535},
	{"allow_plaintext", NUMBER, AT(allow_plaintext), NULL, 0, 0, 1},
	{"tls", NUMBER, AT(tls), NULL, 0, 0, 1},
	{"tls_cert", TEXT, AT(tls_cert), "", 0, 0, 0},
	{"tls_key", TEXT, AT(tls_key), "", 0, 0, 0},
	{"tls_min_version", NUMBER, AT(tls_min_version), NULL, 12, 12, 13},
	{"window_size", SIZE, AT(window_size), NULL, 64 << 20, 1 << 20, INT64_C(1) << 40},
	{"state_cache_size", SIZE, AT(state_cache_size), NULL, 64 << 20, 1 << 20, INT64_C(1) << 40},
	{"max_connections", NUMBER, AT(max_connections), NULL, 10000, 1, 1000000},
	{"max_connections_per_user", NUMBER, AT(max_connections_per_user), NULL, 3, 1, 1000000},
	{"max_unauthenticated_connections", NUMBER, AT(max_unauthenticated_connections), NULL, 10000, 1,
     1000000},
	{"max_unauthenticated_per_address", NUMBER, AT(max_unauthenticated_per_address), NULL, 100, 1,
     1000000},
	{"message_rate", NUMBER, AT(message_rate), NULL, 60, 0, 1000000},
	{"max_message_size", SIZE, AT(max_message_size), NULL, 65536, 128, 16 << 20},
	{"ping_interval", NUMBER, AT(ping_interval), NULL, 30000, 0, 86400000},
	{"connection_timeout", NUMBER, AT(connection_timeout), NULL, 60000, 1, 86400000},
	{"client_lag_limit", NUMBER, AT(client_lag_limit), NULL, 0, 0, INT32_MAX},
	{"log_slow_delivery", NUMBER, AT(log_slow_delivery), NULL, -1, -1, INT32_MAX},
	{"allowed_origins", TEXT, AT(allowed_origins), "", 0, 0, 0},
	{"handshake_rate", NUMBER, AT(handshake_rate), NULL, 600, 0, 1000000},
	{"auth_failure_rate", NUMBER, AT(auth_failure_rate), NULL, 30, 0, 1000000},
	{"trusted_proxies", TEXT, AT(trusted_proxies), "", 0, 0, 0},
	{"require_user", NUMBER, AT(require_user), NULL, 0, 0, 1},
	{"place_key", TEXT, AT(place_key), "", 0, 0, 0},
	{"jwt_secret", TEXT, AT(jwt_secret), "", 0, 0, 0},
	{"jwt_key", TEXT, AT(jwt_key), "", 0, 0, 0},
	{"jwks", TEXT, AT(jwks), "", 0, 0, 0},
	{"jwt_algorithms", TEXT, AT(jwt_algorithms), "HS256,RS256,ES256", 0, 0, 0},
	{"jwt_issuer", TEXT, AT(jwt_issuer), "", 0, 0, 0},
	{"jwt_audience", TEXT, AT(jwt_audience), "", 0, 0, 0},
	{"jwt_leeway", NUMBER, AT(jwt_leeway), NULL, 30000, 0, 86400000},
};

#define MEMBERS (sizeof(members) / sizeof(members[0]))

static void
set_text(BevConfig *config, const Member *member, const char *text)
{
	*(char **) ((char *) config + member->offset) = bev_copy_text(text, strlen(text));
}

static void
set_number(BevConfig *config, const Member *member, json_int_t value)
{
	void *place = (char *) config + member->offset;

	if (value < member->low)
		value = member->low;
	if (value > member->high)
		value = member->high;
	if (member->kind == PORT)
		*(uint16_t *) place = (uint16_t) value;
	else if (member->kind == NUMBER)
		*(uint32_t *) place = (uint32_t) value;
	else
		*(size_t *) place = (size_t) value;
}

/* False: the member has the wrong type. */
static bool
read_member(BevConfig *config, const Member *member, const json_t *value)
{
	if (member->kind == TEXT)
	{
		set_text(config, member, json_is_string(value) ? json_string_value(value) : member->text);
		return value == NULL || json_is_string(value);
	}
	set_number(config, member, json_is_integer(value) ? json_integer_value(value) : member->number);
	return value == NULL || json_is_integer(value);
}

BevConfig *
bev_config_read(const char *json, size_t len, char *error, size_t error_size)
{
	json_error_t where;
	json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &where);
	BevConfig *config;
	bool good = true;

	if (!json_is_object(root))
	{
		/* where.text quotes the input, secrets and all: it is not passed on. */
		snprintf(error, error_size, "configuration is not a JSON object");
		json_decref(root);
		return NULL;
	}
	config = bev_alloc(sizeof(*config));
	for (size_t i = 0; i < MEMBERS; i++)
	{
		if (read_member(config, &members[i], json_object_get(root, members[i].name)))
			continue;
		snprintf(error, error_size, "configuration member \"%s\" has the wrong type",
		         members[i].name);
		good = false;
	}
	json_decref(root);
	if (good)
		return config;
	bev_config_free(config);
	return NULL;
}

void
bev_config_clear(BevConfig *config)
{
	for (size_t i = 0; i < MEMBERS; i++)
	{
		char *text;

		if (members[i].kind != TEXT)
			continue;
		text = *(char **) ((char *) config + members[i].offset);
		if (text)
			OPENSSL_cleanse(text, strlen(text));
		free(text);
	}
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
