/*
 * claims.c - what a token says, once its signature is known to be good.
 *
 * Model: a claim that is there must have the form that RFC 7519 gives it, whether
 * or not a setting asks for it; what has no meaning here is not looked at.
 */
#include "verifier/token/claims.h"
#include "common/pipe/message.h"
#include "common/program/memory.h"
#include "common/program/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A NumericDate; false: it is not one. */
static bool
read_time(const json_t *value, int64_t *seconds)
{
	double number;

	if (!json_is_number(value))
		return false;
	number = json_number_value(value);
	/* Beyond year 9999 it is not a date but an attempt. */
	if (!(number >= 0 && number < 253402300800.0))
		return false;
	*seconds = (int64_t) number;
	return true;
}

/* An id: text or a whole number, as text; NULL: neither. */
static char *
read_id(const json_t *value)
{
	char number[32];
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	if (json_is_integer(value))
	{
		snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		text = number;
		len = strlen(number);
	}
	/* Principals stand one per line. */
	if (text == NULL || len == 0 || len > BEV_USER_ID_MAX || !bev_text_is_line(text, len))
		return NULL;
	return bev_copy_text(text, len);
}

static bool
read_projects(const json_t *list, BevClaims *claims)
{
	if (list == NULL)
		return true;
	if (!json_is_array(list))
		return false;
	claims->project = bev_alloc(sizeof(char *) * (json_array_size(list) + 1));
	for (size_t i = 0; i < json_array_size(list); i++)
	{
		char *id = read_id(json_array_get(list, i));

		if (id == NULL)
			return false;
		claims->project[claims->projects++] = id;
	}
	return true;
}

static bool
read_role(const json_t *root, BevClaims *claims)
{
	const json_t *role = json_object_get(root, "role");
	const json_t *is_admin = json_object_get(root, "is_admin");

	if ((role && !json_is_string(role)) || (is_admin && !json_is_boolean(is_admin)))
		return false;
	if (role && (json_string_length(role) == 0 || json_string_length(role) > 63 ||
	             !bev_text_is_line(json_string_value(role), json_string_length(role))))
		return false;
	claims->is_admin =
		json_is_true(is_admin) || (role && strcmp(json_string_value(role), "admin") == 0);
	claims->role = claims->is_admin ? bev_copy_text("admin", 5) :
	               role ? bev_copy_text(json_string_value(role), json_string_length(role)) :
	                      bev_copy_text("user", 4);
	return true;
}

static bool
audience_is_valid(const json_t *aud)
{
	if (json_is_string(aud))
		return true;
	for (size_t i = 0; i < json_array_size(aud); i++)
		if (!json_is_string(json_array_get(aud, i)))
			return false;
	return json_is_array(aud);
}

static bool
audience_matches(const json_t *aud, const char *wanted)
{
	if (json_is_string(aud))
		return strcmp(json_string_value(aud), wanted) == 0;
	for (size_t i = 0; i < json_array_size(aud); i++)
		if (strcmp(json_string_value(json_array_get(aud, i)), wanted) == 0)
			return true;
	return false;
}

/* NULL: all is well; else what is wrong with the times. */
static const char *
check_times(const BevTokenSettings *settings, const json_t *root, int64_t now, BevClaims *claims)
{
	const json_t *nbf = json_object_get(root, "nbf");
	const json_t *iat = json_object_get(root, "iat");
	int64_t when;

	if (!read_time(json_object_get(root, "exp"), &claims->expires_at))
		return "the token has no expiry time (exp) in seconds, before the year 10000";
	if (nbf && (!read_time(nbf, &when) || when > now + settings->jwt_leeway / 1000))
		return "the token is not valid yet";
	if (iat && !read_time(iat, &when))
		return "the token's issue time is not a number";
	return NULL;
}

/* The same of where it comes from and where it goes. */
static const char *
check_parties(const BevTokenSettings *settings, const json_t *root)
{
	const json_t *iss = json_object_get(root, "iss");
	const json_t *aud = json_object_get(root, "aud");

	if (iss && !json_is_string(iss))
		return "the token's issuer is not a string";
	if (aud && !audience_is_valid(aud))
		return "the token's audience is not a string or a list of strings";
	if (settings->jwt_issuer[0] &&
	    (iss == NULL || strcmp(json_string_value(iss), settings->jwt_issuer) != 0))
		return "the token is from another issuer";
	if (settings->jwt_audience[0] && !audience_matches(aud, settings->jwt_audience))
		return "the token is for another audience";
	return NULL;
}

const char *
bev_claims_read(BevClaims *claims, const json_t *root, const BevTokenSettings *settings,
                int64_t now)
{
	const char *wrong;

	if (!json_is_object(root))
		return "the token's claims are not an object";
	wrong = check_times(settings, root, now, claims);
	if (wrong == NULL)
		wrong = check_parties(settings, root);
	if (wrong)
		return wrong;
	claims->user_id = read_id(json_object_get(root, "sub"));
	if (claims->user_id == NULL)
		return "the token names no user";
	if (!read_role(root, claims))
		return "the token's role is malformed";
	if (!read_projects(json_object_get(root, "projects"), claims))
		return "the token's projects are malformed";
	return NULL;
}

void
bev_claims_free(BevClaims *claims)
{
	for (uint32_t i = 0; i < claims->projects; i++)
		free(claims->project[i]);
	free(claims->project);
	free(claims->user_id);
	free(claims->role);
	*claims = (BevClaims){0};
}
