/*
 * gateway_config.c - the settings as gateways and the verifier are told them.
 *
 * Model: the server reads the files, because these programs are to need none.  The secret is
 * base64, since it may be any bytes.  What tokens are checked by is for the verifier alone.
 */
#include "server/admission/gateway_config.h"

#include "server/admission/addresses.h"
#include "server/base/compat.h"
#include "server/base/secret.h"
#include "server/base/settings.h"
#include "mb/pg_wchar.h"
#include "utils/json.h"

static void
put_name(StringInfo json, const char *name)
{
	if (json->data[json->len - 1] != '{')
		appendStringInfoChar(json, ',');
	escape_json(json, name);
	appendStringInfoChar(json, ':');
}

static void
put_int(StringInfo json, const char *name, int64 value)
{
	put_name(json, name);
	appendStringInfo(json, INT64_FORMAT, value);
}

static void
put_text(StringInfo json, const char *name, const char *value)
{
	put_name(json, name);
	escape_json(json, value);
}

static void
put_secret(StringInfo json)
{
	Size len = 0;
	char *secret = *bev_jwt_secret_file ? bev_secret_read("bugevents.jwt_secret_file",
	                                                      bev_jwt_secret_file, &len, WARNING) :
	                                      NULL;
	int room = pg_b64_enc_len(len) + 1;
	char *encoded = palloc0(room);

	if (secret)
	{
		encoded[Max(0, bev_base64_encode(secret, len, encoded, room - 1))] = '\0';
		explicit_bzero(secret, len);
		pfree(secret);
	}
	put_text(json, "jwt_secret", encoded);
	explicit_bzero(encoded, room);
	pfree(encoded);
}

/* What seals the places of lists: alike in all gateways, as long as this dispatcher lives. */
static void
put_place_key(StringInfo json)
{
	static char key[32];
	static char encoded[64] = "";

	if (*encoded == '\0')
	{
		if (!pg_strong_random(key, sizeof(key)))
			ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not draw a key")));
		encoded[bev_base64_encode(key, sizeof(key), encoded, sizeof(encoded) - 1)] = '\0';
	}
	put_text(json, "place_key", encoded);
}

/* What reads a file (secret.h). */
typedef char *(*Reader)(const char *setting, const char *path, Size *len, int elevel);

/* Keys and certificates.  What is no text would make the whole message unreadable. */
static void
put_text_file(StringInfo json, const char *name, const char *setting, const char *path, Reader read)
{
	Size len = 0;
	char *text = *path ? read(setting, path, &len, WARNING) : NULL;

	if (text &&
	    (strlen(text) != len || pg_encoding_verifymbstr(PG_UTF8, text, (int) len) != (int) len))
	{
		ereport(WARNING, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		                  errmsg("file \"%s\" of %s is not text in UTF-8", path, setting)));
		text = NULL;
	}
	put_text(json, name, text ? text : "");
}

static void
write_config(StringInfo json)
{
	appendStringInfoChar(json, '{');
	put_int(json, "tls", *bev_tls_cert_file != '\0');
	put_text_file(json, "tls_cert", "bugevents.tls_cert_file", bev_tls_cert_file,
	              bev_secret_read_public);
	put_text_file(json, "tls_key", "bugevents.tls_key_file", bev_tls_key_file, bev_secret_read);
	put_int(json, "tls_min_version", bev_tls_min_protocol_version);
	put_int(json, "window_size", (int64) bev_window_size * 1024);
	put_int(json, "state_cache_size", (int64) bev_state_cache_size * 1024);
	put_int(json, "max_connections", bev_max_connections);
	put_int(json, "max_connections_per_user", bev_max_connections_per_user);
	put_int(json, "max_unauthenticated_connections", bev_max_unauthenticated_connections);
	put_int(json, "max_unauthenticated_per_address", bev_max_unauthenticated_per_address);
	put_int(json, "message_rate", bev_message_rate);
	put_int(json, "max_message_size", bev_max_message_size);
	put_int(json, "ping_interval", bev_ping_interval);
	put_int(json, "connection_timeout", bev_connection_timeout);
	put_int(json, "client_lag_limit", bev_client_lag_limit);
	put_int(json, "log_slow_delivery", bev_log_slow_delivery);
	put_text(json, "allowed_origins", bev_allowed_origins);
	put_int(json, "handshake_rate", bev_handshake_rate);
	put_int(json, "auth_failure_rate", bev_auth_failure_rate);
	put_text(json, "trusted_proxies", bev_trusted_proxies);
	put_int(json, "require_user", bev_require_user);
	put_place_key(json);
	appendStringInfoChar(json, '}');
}

static void
write_keys(StringInfo json)
{
	appendStringInfoChar(json, '{');
	put_secret(json);
	put_text_file(json, "jwt_key", "bugevents.jwt_key_file", bev_jwt_key_file,
	              bev_secret_read_public);
	put_text_file(json, "jwks", "bugevents.jwks_file", bev_jwks_file, bev_secret_read_public);
	put_text(json, "jwt_algorithms", bev_jwt_algorithms);
	put_text(json, "jwt_issuer", bev_jwt_issuer);
	put_text(json, "jwt_audience", bev_jwt_audience);
	put_int(json, "jwt_leeway", bev_jwt_leeway);
	appendStringInfoChar(json, '}');
}

static void
write_place(StringInfo text)
{
	appendStringInfo(text, "%d %d %s", !*bev_tls_cert_file && !bev_allow_plaintext, bev_port,
	                 bev_addresses_resolve(bev_listen_addresses));
}

void
bev_gateway_config_write(StringInfo json)
{
	write_config(json);
	appendStringInfoChar(json, '\0');
	write_keys(json);
	appendStringInfoChar(json, '\0');
	write_place(json);
}
