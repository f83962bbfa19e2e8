/*
 * setting_checks.c - whether a setting may have a value: check hooks.
 *
 * Model: most such values are lists, and each item is looked at alone.
 */
#include "server/base/setting_checks.h"

#include <sys/socket.h>

#include "postmaster/postmaster.h"
#include "server/base/comma_list.h"
#include "utils/builtins.h"
#include "utils/inet.h"

#define UNUSED_HOOK_ARGUMENTS \
	void **extra pg_attribute_unused(), GucSource source pg_attribute_unused()

/* The copy lives in the caller's context and is small. */
static bool
check_list(const char *value, bool (*item_is_valid)(const char *), const char *detail,
           const char *hint)
{
	char *copy = pstrdup(value);
	char *rest = copy;
	char *item;
	bool valid = true;

	while (valid && *value && (item = bev_comma_list_next(&rest)) != NULL)
	{
		valid = item_is_valid(item);
		if (!valid)
		{
			GUC_check_errdetail(detail, item);
			GUC_check_errhint("%s", hint);
		}
	}
	pfree(copy);
	return valid;
}

static bool
algorithm_is_known(const char *name)
{
	static const char *const known[] = {"HS256", "HS384", "HS512", "RS256", "RS384",
	                                    "RS512", "PS256", "PS384", "PS512", "ES256",
	                                    "ES384", "ES512", "EdDSA"};

	for (size_t i = 0; i < lengthof(known); i++)
		if (strcmp(known[i], name) == 0)
			return true;
	return false;
}

bool
bev_setting_check_algorithms(char **newval, UNUSED_HOOK_ARGUMENTS)
{
	return check_list(
		*newval, algorithm_is_known, "\"%s\" is not an algorithm that bugevents accepts.",
		"Available are HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA.");
}

/* An origin as a browser sends it: scheme://host[:port], nothing behind. */
static bool
origin_is_valid(const char *origin)
{
	const char *host = strstr(origin, "://");

	if (strcmp(origin, "*") == 0 || strcmp(origin, "null") == 0)
		return true;
	return host != NULL && host != origin && host[3] != '\0' && strpbrk(host + 3, "/ \t?#") == NULL;
}

bool
bev_setting_check_origins(char **newval, UNUSED_HOOK_ARGUMENTS)
{
	return check_list(
		*newval, origin_is_valid, "\"%s\" is not an origin.",
		"Write origins as browsers send them, for example https://tracker.example.org, separated by commas; * allows any.");
}

static bool
network_is_valid(const char *item)
{
	unsigned char address[16];
	int family = strchr(item, ':') ? PGSQL_AF_INET6 : PGSQL_AF_INET;

	/* Without a prefix it is a whole address, which is asked for by -1. */
	return pg_inet_net_pton(family, item, address,
	                        strchr(item, '/') ? sizeof(address) : (size_t) -1) >= 0;
}

bool
bev_setting_check_proxies(char **newval, UNUSED_HOOK_ARGUMENTS)
{
	return check_list(
		*newval, network_is_valid, "\"%s\" is not an address or a network.",
		"Write addresses or networks, for example 10.0.0.5, 192.168.0.0/16, separated by commas.");
}

static bool
channel_is_known(const char *name)
{
	return strcmp(name, "email") == 0 || strcmp(name, "whatsapp") == 0;
}

bool
bev_setting_check_channels(char **newval, UNUSED_HOOK_ARGUMENTS)
{
	return check_list(*newval, channel_is_known, "\"%s\" is not a channel.",
	                  "Channels are email and whatsapp; webhooks are sent for everybody.");
}

bool
bev_setting_check_database(char **newval, UNUSED_HOOK_ARGUMENTS)
{
	if (**newval == '\0')
		GUC_check_errdetail("The name of a database is needed.");
	return **newval != '\0';
}

static bool
check_scheme(const char *url, const char *first, const char *second, const char *hint)
{
	bool valid = *url == '\0' || strncmp(url, first, strlen(first)) == 0 ||
	             strncmp(url, second, strlen(second)) == 0;

	if (!valid)
		GUC_check_errhint("%s", hint);
	return valid;
}

bool
bev_setting_check_smtp_url(char **newval, UNUSED_HOOK_ARGUMENTS)
{
	return check_scheme(*newval, "smtp://", "smtps://",
	                    "Use smtp://HOST:587 for STARTTLS, or smtps://HOST:465.");
}

bool
bev_setting_check_http_url(char **newval, UNUSED_HOOK_ARGUMENTS)
{
	return check_scheme(*newval, "https://", "http://", "Use https://HOST/PATH.");
}

bool
bev_setting_check_locale(char **newval, UNUSED_HOOK_ARGUMENTS)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
	Size language = strspn(*newval, "abcdefghijklmnopqrstuvwxyz");

	if ((language == 2 || language == 3) && strspn(*newval, letters) == strlen(*newval) &&
	    ((*newval)[language] == '\0' || (*newval)[language] == '-'))
		return true;
	GUC_check_errhint("Use a language such as \"en\" or \"de-AT\".");
	return false;
}

/* It is known by now, as it takes a restart to change it; without TCP it is a number of a file. */
bool
bev_setting_check_port(int *newval, void **extra pg_attribute_unused(), GucSource source)
{
	if (source == PGC_S_DEFAULT || *newval != PostPortNumber || *ListenAddresses == '\0')
		return true;
	GUC_check_errdetail("%d is the port of PostgreSQL itself.", *newval);
	GUC_check_errhint("The gateways need a port of their own, such as 8432.");
	return false;
}
