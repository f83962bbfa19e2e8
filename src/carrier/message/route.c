/*
 * route.c - how the deliveries of one channel go out.
 *
 * Model: a table of the members, as in the gateway's configuration, then what can only
 * be said of them together.
 */
#include "carrier/message/route.h"
#include "common/program/base64.h"
#include "common/program/memory.h"
#include "common/text/utf8.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *const bev_medium_names[BEV_MEDIA] = {"email", "whatsapp", "webhook"};

typedef struct TextMember
{
	const char *name;
	size_t offset;
} TextMember;

typedef struct NumberMember
{
	const char *name;
	size_t offset;
	json_int_t usual;
	json_int_t low;
	json_int_t high;
} NumberMember;

#define AT(field) offsetof(BevRoute, field)

static const TextMember texts[] = {
	{"url", AT(url)},           {"ca", AT(ca)},       {"user", AT(user)},
	{"password", AT(password)}, {"token", AT(token)},
};

static const NumberMember numbers[] = {
	{"connect_timeout", AT(connect_timeout), 10000, 1, 600000},
	{"timeout", AT(timeout), 60000, 1, 3600000},
	{"stall_timeout", AT(stall_timeout), 30000, 1, 3600000},
	{"concurrency", AT(concurrency), 4, 1, 100},
	{"queue", AT(queue), 1000, 1, 100000},
};

#define TEXTS   (sizeof(texts) / sizeof(texts[0]))
#define NUMBERS (sizeof(numbers) / sizeof(numbers[0]))

static char **
text_of(BevRoute *route, const TextMember *member)
{
	return (char **) ((char *) route + member->offset);
}

/* The text of a member, "" if it is missing, NULL if it isn't text. */
static const char *
get_text(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return value == NULL ? "" : json_string_value(value);
}

/* What has the wrong type, or NULL. */
static const char *
read_members(BevRoute *route, const json_t *object)
{
	for (size_t i = 0; i < TEXTS; i++)
	{
		const char *text = get_text(object, texts[i].name);

		if (text == NULL)
			return texts[i].name;
		*text_of(route, &texts[i]) = bev_copy_text(text, strlen(text));
	}
	for (size_t i = 0; i < NUMBERS; i++)
	{
		const json_t *value = json_object_get(object, numbers[i].name);
		json_int_t number = value ? json_integer_value(value) : numbers[i].usual;

		if (value && !json_is_integer(value))
			return numbers[i].name;
		if (number < numbers[i].low)
			number = numbers[i].low;
		if (number > numbers[i].high)
			number = numbers[i].high;
		*(uint32_t *) ((char *) route + numbers[i].offset) = (uint32_t) number;
	}
	return NULL;
}

/* Has the URL one of the schemes, a host, and no password in it? */
static const char *
check_url(const char *url, const char *scheme, const char *other_scheme)
{
	CURLU *parts = curl_url();
	char *found = NULL;
	char *user = NULL;
	const char *error = NULL;

	if (url[0] == '\0')
		error = "there is no URL";
	else if (!bev_utf8_is_token(url, 2000) ||
	         curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
	         curl_url_get(parts, CURLUPART_SCHEME, &found, 0) != CURLUE_OK)
		error = "the URL can't be understood";
	else if (strcmp(found, scheme) != 0 && strcmp(found, other_scheme) != 0)
		error = "the URL has a wrong scheme";
	else if (curl_url_get(parts, CURLUPART_USER, &user, 0) == CURLUE_OK)
		error = "the URL must not have a user or password in it";
	curl_free(found);
	curl_free(user);
	curl_url_cleanup(parts);
	return error;
}

/* As it goes over the wire, too: an echo must not tell it. */
static void
mask_login(BevRoute *route)
{
	BevText plain = {0};
	char *encoded;

	bev_text_add(&plain, "", 1);
	bev_text_add_string(&plain, route->user);
	bev_text_add(&plain, "", 1);
	bev_text_add_string(&plain, route->password);
	encoded = bev_alloc(BEV_BASE64_LEN(plain.len) + 1);
	bev_base64_encode(encoded, plain.data, plain.len);
	bev_redact_add(&route->mask, encoded, strlen(encoded));
	bev_base64_encode(encoded, route->password, strlen(route->password));
	bev_redact_add(&route->mask, encoded, strlen(encoded));
	bev_redact_add(&route->mask, route->password, strlen(route->password));
	OPENSSL_cleanse(encoded, strlen(encoded));
	OPENSSL_cleanse(plain.data, plain.len);
	free(encoded);
	bev_text_free(&plain);
}

static const char *
read_email(BevRoute *route, const json_t *object)
{
	const char *error = check_url(route->url, "smtp", "smtps");
	const char *tls = get_text(object, "tls");
	const char *from = get_text(object, "from");

	if (error)
		return error;
	if (tls == NULL ||
	    !(tls[0] == '\0' || strcmp(tls, "required") == 0 || strcmp(tls, "none") == 0))
		return "tls is neither \"required\" nor \"none\"";
	if (from == NULL || !bev_mailbox_read(from, &route->from))
		return "the sender is not an address";
	if (!bev_utf8_is_one_line(route->user) || !bev_utf8_is_one_line(route->password))
		return "user or password has a line's end in it";
	if (route->password[0] && !route->user[0])
		return "there is a password, but no user";
	route->tls = strcmp(tls, "none") != 0 || strncasecmp(route->url, "smtps:", 6) == 0;
	if (route->password[0] && !route->tls)
		return "a password is never sent without TLS";
	mask_login(route);
	return NULL;
}

static const char *
read_whatsapp(BevRoute *route)
{
	const char *error = check_url(route->url, "https", "https");

	if (error)
		return error;
	if (!bev_utf8_is_token(route->token, 4096))
		return route->token[0] ? "the token is not made of printable characters" :
		                         "there is no token";
	bev_redact_add(&route->mask, route->token, strlen(route->token));
	return NULL;
}

static const char *
read_webhook(BevRoute *route, const json_t *object)
{
	const char *error = check_url(route->url, "https", "http");
	const char *secret = get_text(object, "secret");

	if (error)
		return error;
	error = bev_signer_read(&route->signer, secret ? secret : "");
	if (error)
		return error;
	for (size_t i = 0; i < route->signer.count; i++)
	{
		char encoded[BEV_BASE64_LEN(BEV_SIGNER_LONGEST) + 1];

		bev_base64_encode(encoded, route->signer.secret[i].data, route->signer.secret[i].len);
		bev_redact_add(&route->mask, encoded, strlen(encoded));
		OPENSSL_cleanse(encoded, sizeof(encoded));
	}
	return NULL;
}

static const char *
read_medium(BevRoute *route, const json_t *object)
{
	switch (route->medium)
	{
		case BEV_EMAIL:
			return read_email(route, object);
		case BEV_WHATSAPP:
			return read_whatsapp(route);
		default:
			return read_webhook(route, object);
	}
}

BevRoute *
bev_route_read(BevMedium medium, const json_t *member, char *error, size_t error_size)
{
	BevRoute *route = bev_alloc(sizeof(*route));
	const char *wrong;

	route->medium = medium;
	atomic_init(&route->users, 1);
	if (!json_is_object(member))
		snprintf(error, error_size, "the configuration is not an object");
	else if ((wrong = read_members(route, member)))
		snprintf(error, error_size, "member \"%s\" has the wrong type", wrong);
	else if ((wrong = read_medium(route, member)))
		snprintf(error, error_size, "%s", wrong);
	else
		return route;
	bev_route_release(route);
	return NULL;
}

BevRoute *
bev_route_share(BevRoute *route)
{
	atomic_fetch_add(&route->users, 1);
	return route;
}

void
bev_route_release(BevRoute *route)
{
	if (route == NULL || atomic_fetch_sub(&route->users, 1) > 1)
		return;
	for (size_t i = 0; i < TEXTS; i++)
	{
		char *text = *text_of(route, &texts[i]);

		if (text)
			OPENSSL_cleanse(text, strlen(text));
		free(text);
	}
	bev_signer_wipe(&route->signer);
	bev_redact_free(&route->mask);
	free(route);
}
