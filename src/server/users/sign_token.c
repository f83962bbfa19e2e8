/*
 * sign_token.c - bugevents.token(): signs a JWT with the configured secret.
 *
 * For tests and small installations, where nothing else issues tokens.  It signs
 * with PostgreSQL's own HMAC and reads nothing; reading what comes from the
 * network is the gateway's, with a library made for it.
 *
 *	base64url({"alg":"HS256","typ":"JWT"}) . base64url(claims) . base64url(HMAC)
 *
 * Rights: not callable by PUBLIC, since a token is whoever its claims say.
 */
#include "postgres.h"

#include "common/hmac.h"
#include "common/sha2.h"
#include "server/base/argument.h"
#include "server/base/compat.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "server/encode/json.h"
#include "server/encode/database_text.h"
#include "server/base/secret.h"
#include "server/base/settings.h"

BEV_FUNCTION_INFO_V1(bugevents_token);

/* RFC 7518, section 3.2. */
#define SECRET_MIN 32

#define JWT_HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

/* base64url (RFC 7515): base64 without padding, and with another end of the alphabet. */
static void
append_base64url(StringInfo out, const void *src, Size len)
{
	int room = pg_b64_enc_len((int) len);
	int n;

	enlargeStringInfo(out, room);
	n = bev_base64_encode(src, (int) len, out->data + out->len, room);
	for (int i = 0; i < n && out->data[out->len] != '='; i++, out->len++)
	{
		char *digit = &out->data[out->len];

		*digit = *digit == '+' ? '-' : *digit == '/' ? '_' : *digit;
	}
	out->data[out->len] = '\0';
}

static void
hmac_sha256(const char *key, Size key_len, const char *data, Size len, unsigned char *mac)
{
	pg_hmac_ctx *ctx = pg_hmac_create(PG_SHA256);

	if (ctx == NULL || pg_hmac_init(ctx, (const uint8 *) key, key_len) < 0 ||
	    pg_hmac_update(ctx, (const uint8 *) data, len) < 0 ||
	    pg_hmac_final(ctx, mac, PG_SHA256_DIGEST_LENGTH) < 0)
	{
		pg_hmac_free(ctx);
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not sign the token")));
	}
	pg_hmac_free(ctx);
}

static char *
sign(const BevJson *claims)
{
	unsigned char mac[PG_SHA256_DIGEST_LENGTH];
	StringInfoData token;
	char *secret;
	Size secret_len;

	if (*bev_jwt_secret_file == '\0')
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		     errmsg("no secret to sign tokens with is configured"),
		     errhint(
				 "Set bugevents.jwt_secret_file to a file with a secret of at least 32 bytes and reload.")));
	secret = bev_secret_read("bugevents.jwt_secret_file", bev_jwt_secret_file, &secret_len, ERROR);
	if (secret_len < SECRET_MIN)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		     errmsg(
				 "the secret in file \"%s\" of bugevents.jwt_secret_file is shorter than %d bytes",
				 bev_jwt_secret_file, SECRET_MIN),
		     errdetail("No gateway accepts tokens that are signed with it."),
		     errhint("Make one with: openssl rand -base64 48")));

	initStringInfo(&token);
	append_base64url(&token, JWT_HEADER, strlen(JWT_HEADER));
	appendStringInfoChar(&token, '.');
	append_base64url(&token, claims->data, claims->len);
	hmac_sha256(secret, secret_len, token.data, token.len, mac);
	explicit_bzero(secret, secret_len);

	appendStringInfoChar(&token, '.');
	append_base64url(&token, mac, sizeof(mac));
	return token.data;
}

static void
put_name(BevJson *json, const char *name)
{
	bev_json_char(json, json->len == 0 ? '{' : ',');
	bev_json_string(json, name, strlen(name));
	bev_json_char(json, ':');
}

static void
put_text_claim(BevJson *json, const char *name, const char *value)
{
	const char *utf8 = bev_database_text_to_cstring(value);

	put_name(json, name);
	bev_json_string(json, utf8, strlen(utf8));
}

static void
put_number_claim(BevJson *json, const char *name, int64 value)
{
	put_name(json, name);
	bev_json_int(json, value);
}

static bool
has_claim(Jsonb *claims, const char *name)
{
	return getKeyJsonValueFromContainer(&claims->root, name, strlen(name), NULL) != NULL;
}

/* What the configuration asks of tokens, unless the caller says otherwise. */
static void
put_default_claim(BevJson *json, Jsonb *claims, const char *name, const char *value)
{
	if (*value && !has_claim(claims, name))
		put_text_claim(json, name, value);
}

/* The caller's own claims: the members of the object as they stand. */
static void
put_claims(BevJson *json, Jsonb *claims)
{
	const char *text;

	if (JB_ROOT_COUNT(claims) == 0)
		return;
	text = bev_database_text_to_cstring(JsonbToCString(NULL, &claims->root, VARSIZE(claims)));
	bev_json_char(json, ',');
	bev_json_bytes(json, text + 1, strlen(text) - 2);
}

static void
check_claims(Jsonb *claims)
{
	static const char *const own[] = {"sub", "role", "iat", "exp"};

	if (!JB_ROOT_IS_OBJECT(claims))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		                errmsg("argument \"%s\" must be a JSON object", "claims")));
	for (size_t i = 0; i < lengthof(own); i++)
	{
		if (has_claim(claims, own[i]))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			                errmsg("claim \"%s\" must not be among the claims", own[i]),
			                errhint("It comes from the other arguments of bugevents.token().")));
	}
}

static int64
unix_seconds(TimestampTz time)
{
	return time / USECS_PER_SEC + (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * (int64) SECS_PER_DAY;
}

/* When a token that is made now ends; throws unless that is in the future. */
static int64
find_expiry(TimestampTz now, Interval *ttl)
{
	TimestampTz end = DatumGetTimestampTz(DirectFunctionCall2(
		timestamptz_pl_interval, TimestampTzGetDatum(now), IntervalPGetDatum(ttl)));

	if (TIMESTAMP_NOT_FINITE(end) || unix_seconds(end) <= unix_seconds(now))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		                errmsg("argument \"%s\" must be at least one second", "ttl")));
	return unix_seconds(end);
}

Datum
bugevents_token(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"user_id", "role", "ttl", "claims"};
	TimestampTz now = GetCurrentTimestamp();
	char *user;
	Jsonb *claims;
	BevJson json;

	bev_settings_require_preload();
	for (size_t i = 0; i < lengthof(names); i++)
		bev_argument_require(fcinfo, i, names[i]);
	user = text_to_cstring(PG_GETARG_TEXT_PP(0));
	if (*user == '\0')
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		                errmsg("argument \"%s\" must not be empty", "user_id")));
	claims = PG_GETARG_JSONB_P(3);
	check_claims(claims);

	bev_json_init(&json, CurrentMemoryContext);
	put_text_claim(&json, "sub", user);
	put_text_claim(&json, "role", text_to_cstring(PG_GETARG_TEXT_PP(1)));
	put_number_claim(&json, "iat", unix_seconds(now));
	put_number_claim(&json, "exp", find_expiry(now, PG_GETARG_INTERVAL_P(2)));
	put_default_claim(&json, claims, "iss", bev_jwt_issuer);
	put_default_claim(&json, claims, "aud", bev_jwt_audience);
	put_claims(&json, claims);
	bev_json_char(&json, '}');
	PG_RETURN_TEXT_P(cstring_to_text(sign(&json)));
}
