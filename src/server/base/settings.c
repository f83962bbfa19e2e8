/*
 * settings.c - the settings of postgresql.conf (bugevents.*).
 *
 * Model: a setting that the gateways need is PGC_SIGHUP; the dispatcher sends
 * the whole configuration again after a reload.  What sizes shared memory, or
 * names the database that the dispatcher is connected to, is PGC_POSTMASTER.
 *
 * Secrets are files, and only superusers see where they are.
 */
#include "server/base/settings.h"

#include <limits.h>
#include <sys/socket.h>

#include "server/base/compat.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inet.h"
#include "utils/varlena.h"

bool bev_enabled;
char *bev_database;
int bev_queue_size;
int bev_spill_size;
char *bev_actor_setting;

bool bev_projector;
int bev_fold_interval;
int bev_notification_retention;
int bev_projector_error_rows;
bool bev_watch_on_comment;
char *bev_closed_statuses;

char *bev_smtp_url;
char *bev_smtp_from;
char *bev_smtp_user;
char *bev_smtp_password_file;
bool bev_smtp_tls;
char *bev_whatsapp_url;
char *bev_whatsapp_token_file;
char *bev_whatsapp_template;
char *bev_whatsapp_language;
char *bev_webhook_url;
char *bev_webhook_secret_file;
char *bev_delivery_ca_file;
char *bev_default_channels;
char *bev_unsubscribe_url;
int bev_escalate_after;
int bev_delivery_rate;
int bev_delivery_concurrency;
int bev_delivery_timeout;
int bev_max_attempts;
int bev_retry_delay;
bool bev_retry_uncertain;

int bev_max_value_size;
int bev_retention;
int bev_retention_size;
int bev_alert_window;
int bev_alert_error_rate;
int bev_alert_connection_spike;
int bev_alert_delivery_latency;
int bev_alert_queue_overflows;
int bev_alert_journal_size;
int bev_alert_gateway_restarts;
int bev_alert_projector_lag;
char *bev_listen_addresses;
int bev_port;
int bev_gateways;
int bev_window_size;
int bev_max_connections;
int bev_max_connections_per_user;
int bev_ended_connections;
int bev_message_rate;
int bev_max_message_size;
int bev_handshake_rate;
int bev_auth_failure_rate;
char *bev_trusted_proxies;
int bev_security_event_rows;
int bev_request_timeout;
int bev_ping_interval;
int bev_connection_timeout;
int bev_client_lag_limit;
char *bev_allowed_origins;
bool bev_require_user;
bool bev_log_connections;
int bev_log_slow_delivery;
bool bev_allow_plaintext;
char *bev_tls_cert_file;
char *bev_tls_key_file;
int bev_tls_min_protocol_version;
char *bev_jwt_secret_file;
char *bev_jwt_key_file;
char *bev_jwks_file;
char *bev_jwt_algorithms;
char *bev_jwt_issuer;
char *bev_jwt_audience;
int bev_jwt_leeway;

static const struct config_enum_entry tls_versions[] = {
	{"TLSv1.2", BEV_TLS_1_2, false}, {"TLSv1.3", BEV_TLS_1_3, false}, {NULL, 0, false}};

static bool preloaded = false;

static const char *const algorithms[] = {"HS256", "HS384", "HS512", "RS256", "RS384",
                                         "RS512", "PS256", "PS384", "PS512", "ES256",
                                         "ES384", "ES512", "EdDSA", NULL};

static bool
algorithm_is_known(const char *name)
{
	for (int i = 0; algorithms[i]; i++)
		if (strcmp(algorithms[i], name) == 0)
			return true;
	return false;
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

char *
bev_settings_next_item(char **rest)
{
	char *item = strsep(rest, ",");

	if (item == NULL)
		return NULL;
	item += strspn(item, " ");
	for (char *end = item + strlen(item); end > item && end[-1] == ' ';)
		*--end = '\0';
	return item;
}

/*
 * Check each item of a comma separated list.  GUC memory: the copy lives in the
 * caller's context and is small.
 */
static bool
list_is_valid(const char *value, bool (*item_is_valid)(const char *), const char *detail)
{
	char *copy = pstrdup(value);
	char *rest = copy;
	char *item;
	bool valid = true;

	while (valid && (item = bev_settings_next_item(&rest)) != NULL)
	{
		if (*item == '\0' && *value == '\0')
			break; /* the empty list */
		if (!item_is_valid(item))
		{
			GUC_check_errdetail(detail, item);
			valid = false;
		}
	}
	pfree(copy);
	return valid;
}

static bool
check_algorithms(char **newval, void **extra pg_attribute_unused(),
                 GucSource source pg_attribute_unused())
{
	if (!list_is_valid(*newval, algorithm_is_known,
	                   "\"%s\" is not an algorithm that bugevents accepts."))
	{
		GUC_check_errhint(
			"Available are HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA.");
		return false;
	}
	return true;
}

static bool
check_origins(char **newval, void **extra pg_attribute_unused(),
              GucSource source pg_attribute_unused())
{
	if (!list_is_valid(*newval, origin_is_valid, "\"%s\" is not an origin."))
	{
		GUC_check_errhint(
			"Write origins as browsers send them, for example https://tracker.example.org, separated by commas; * allows any.");
		return false;
	}
	return true;
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

static bool
check_proxies(char **newval, void **extra pg_attribute_unused(),
              GucSource source pg_attribute_unused())
{
	if (!list_is_valid(*newval, network_is_valid, "\"%s\" is not an address or a network."))
	{
		GUC_check_errhint(
			"Write addresses or networks, for example 10.0.0.5, 192.168.0.0/16, separated by commas.");
		return false;
	}
	return true;
}

static bool
check_database(char **newval, void **extra pg_attribute_unused(),
               GucSource source pg_attribute_unused())
{
	if (**newval == '\0')
	{
		GUC_check_errdetail("The name of a database is needed.");
		return false;
	}
	return true;
}

static void
define_string(const char *name, const char *what, char **variable, const char *value,
              GucContext context, int flags, GucStringCheckHook check)
{
	DefineCustomStringVariable(name, what, NULL, variable, value, context, flags, check, NULL,
	                           NULL);
}

static void
define_int(const char *name, const char *what, int *variable, int value, int min, int max,
           GucContext context, int flags)
{
	DefineCustomIntVariable(name, what, NULL, variable, value, min, max, context, flags, NULL, NULL,
	                        NULL);
}

static void
define_stream_settings(void)
{
	DefineCustomBoolVariable("bugevents.enabled",
	                         "Captures changes and serves clients; off does neither.", NULL,
	                         &bev_enabled, true, PGC_SIGHUP, 0, NULL, NULL, NULL);
	define_string("bugevents.database", "Sets the database whose changes are streamed.",
	              &bev_database, "postgres", PGC_POSTMASTER, 0, check_database);
	define_int("bugevents.queue_size",
	           "Sets the shared memory that carries commits to the dispatcher.", &bev_queue_size,
	           16 * 1024, 64, 1024 * 1024, PGC_POSTMASTER, GUC_UNIT_KB);
	define_int(
		"bugevents.spill_size",
		"Sets how much of a transaction's events a session holds before it writes them to the journal.",
		&bev_spill_size, 1024, 64, 256 * 1024, PGC_SUSET, GUC_UNIT_KB);
	define_string("bugevents.actor", "Names the user on whose behalf the session writes.",
	              &bev_actor_setting, "", PGC_USERSET, 0, NULL);
	define_int("bugevents.max_value_size", "Sets the size above which a value of a payload is cut.",
	           &bev_max_value_size, 1024 * 1024, 256, 16 * 1024 * 1024, PGC_SUSET, GUC_UNIT_BYTE);
	define_int("bugevents.retention", "Sets how long events are kept in the journal, at least.",
	           &bev_retention, 24 * 3600, 1, INT_MAX / 2, PGC_SIGHUP, GUC_UNIT_S);
	define_int(
		"bugevents.retention_size",
		"Sets the size of the journal above which its oldest events are dropped; 0 is no limit.",
		&bev_retention_size, 0, 0, INT_MAX, PGC_SIGHUP, GUC_UNIT_KB);
}

static void
define_gateway_settings(void)
{
	define_string("bugevents.listen_addresses", "Sets the addresses on which the gateways listen.",
	              &bev_listen_addresses, "localhost", PGC_SIGHUP, 0, NULL);
	define_int("bugevents.port", "Sets the TCP port of the gateways.", &bev_port, 8432, 1, 65535,
	           PGC_SIGHUP, 0);
	define_int("bugevents.gateways", "Sets the number of gateway processes.", &bev_gateways, 1, 1,
	           64, PGC_SIGHUP, 0);
	define_int("bugevents.window_size", "Sets the memory of each gateway for recent events.",
	           &bev_window_size, 64 * 1024, 1024, 16 * 1024 * 1024, PGC_SIGHUP, GUC_UNIT_KB);
	define_int("bugevents.max_connections", "Sets the number of clients that may be connected.",
	           &bev_max_connections, 10000, 1, 1000000, PGC_POSTMASTER, 0);
	define_int("bugevents.max_connections_per_user",
	           "Sets the number of connections that one user may have.",
	           &bev_max_connections_per_user, 3, 1, 1000000, PGC_SIGHUP, 0);
	define_int(
		"bugevents.ended_connections",
		"Sets how many connections that ended or were refused are kept for explain_delivery().",
		&bev_ended_connections, 1000, 0, 1000000, PGC_POSTMASTER, 0);
	define_int("bugevents.message_rate",
	           "Sets how many messages a client may send in a minute; 0 is no limit.",
	           &bev_message_rate, 60, 0, 1000000, PGC_SIGHUP, 0);
	define_int("bugevents.max_message_size",
	           "Sets the largest message that is accepted from a client.", &bev_max_message_size,
	           64 * 1024, 1024, 16 * 1024 * 1024, PGC_SIGHUP, GUC_UNIT_BYTE);
	define_int("bugevents.handshake_rate",
	           "Sets how many requests an address may make in a minute; 0 is no limit.",
	           &bev_handshake_rate, 600, 0, 1000000, PGC_SIGHUP, 0);
	define_int("bugevents.auth_failure_rate",
	           "Sets how many bad tokens an address may show in a minute; 0 is no limit.",
	           &bev_auth_failure_rate, 30, 0, 1000000, PGC_SIGHUP, 0);
	define_string("bugevents.trusted_proxies",
	              "Sets the proxies whose X-Forwarded-For header is believed.",
	              &bev_trusted_proxies, "", PGC_SIGHUP, 0, check_proxies);
	define_int("bugevents.security_event_rows",
	           "Sets how many rows bugevents.security_events keeps; 0 writes none.",
	           &bev_security_event_rows, 10000, 0, 10000000, PGC_SIGHUP, 0);
	define_int("bugevents.request_timeout",
	           "Sets how long the database may take to answer a client's get or list.",
	           &bev_request_timeout, 5 * 1000, 100, 3600 * 1000, PGC_SIGHUP, GUC_UNIT_MS);
	define_int("bugevents.ping_interval",
	           "Sets the idle time after which a client is pinged; 0 sends no pings.",
	           &bev_ping_interval, 30 * 1000, 0, 24 * 3600 * 1000, PGC_SIGHUP, GUC_UNIT_MS);
	define_int("bugevents.connection_timeout",
	           "Sets how long a client may be silent, or take for its handshake.",
	           &bev_connection_timeout, 60 * 1000, 1000, 24 * 3600 * 1000, PGC_SIGHUP, GUC_UNIT_MS);
	define_int(
		"bugevents.client_lag_limit",
		"Sets how many events a client may fall behind before it is disconnected; 0 is no limit.",
		&bev_client_lag_limit, 0, 0, INT_MAX, PGC_SIGHUP, 0);
	define_string("bugevents.allowed_origins",
	              "Sets the origins whose pages may connect; empty: the gateway's own.",
	              &bev_allowed_origins, "", PGC_SIGHUP, 0, check_origins);
}

static void
define_tls_settings(void)
{
	define_string("bugevents.tls_cert_file",
	              "Names the file with the gateways' certificate chain in PEM; empty: no TLS.",
	              &bev_tls_cert_file, "", PGC_SIGHUP, 0, NULL);
	define_string("bugevents.tls_key_file",
	              "Names the file with the certificate's private key in PEM.", &bev_tls_key_file,
	              "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL);
	DefineCustomEnumVariable("bugevents.tls_min_protocol_version",
	                         "Sets the oldest version of TLS that is accepted.", NULL,
	                         &bev_tls_min_protocol_version, BEV_TLS_1_2, tls_versions, PGC_SIGHUP,
	                         0, NULL, NULL, NULL);
	DefineCustomBoolVariable("bugevents.allow_plaintext",
	                         "Allows connections without TLS on other addresses than loopback.",
	                         NULL, &bev_allow_plaintext, false, PGC_SIGHUP, 0, NULL, NULL, NULL);
}

static void
define_projector_settings(void)
{
	DefineCustomBoolVariable("bugevents.projector",
	                         "Derives notifications and reminders from the journal.", NULL,
	                         &bev_projector, true, PGC_SIGHUP, 0, NULL, NULL, NULL);
	define_int("bugevents.fold_interval",
	           "Sets the time in which notifications of one kind about one bug become one.",
	           &bev_fold_interval, 60 * 1000, 0, 24 * 3600 * 1000, PGC_SIGHUP, GUC_UNIT_MS);
	define_int("bugevents.notification_retention",
	           "Sets the age at which notifications are deleted; 0: never.",
	           &bev_notification_retention, 90 * 86400, 0, INT_MAX, PGC_SIGHUP, GUC_UNIT_S);
	define_int("bugevents.projector_error_rows",
	           "Sets how many events bugevents.projector_errors keeps; older ones go.",
	           &bev_projector_error_rows, 1000, 1, 1000000, PGC_SIGHUP, 0);
	DefineCustomBoolVariable("bugevents.watch_on_comment",
	                         "Lets whoever comments on a bug watch it.", NULL,
	                         &bev_watch_on_comment, true, PGC_SIGHUP, 0, NULL, NULL, NULL);
	define_string("bugevents.closed_statuses",
	              "Lists the statuses that cancel a bug's reminders; empty: none.",
	              &bev_closed_statuses, "closed", PGC_SIGHUP, GUC_LIST_INPUT, NULL);
}

static bool
channel_is_known(const char *name)
{
	return strcmp(name, "email") == 0 || strcmp(name, "whatsapp") == 0;
}

static bool
check_channels(char **newval, void **extra pg_attribute_unused(),
               GucSource source pg_attribute_unused())
{
	if (list_is_valid(*newval, channel_is_known, "\"%s\" is not a channel."))
		return true;
	GUC_check_errhint("Channels are email and whatsapp; webhooks are sent for everybody.");
	return false;
}

static bool
has_scheme(const char *url, const char *first, const char *second)
{
	return *url == '\0' || strncmp(url, first, strlen(first)) == 0 ||
	       strncmp(url, second, strlen(second)) == 0;
}

static bool
check_smtp_url(char **newval, void **extra pg_attribute_unused(),
               GucSource source pg_attribute_unused())
{
	if (has_scheme(*newval, "smtp://", "smtps://"))
		return true;
	GUC_check_errhint("Use smtp://HOST:587 for STARTTLS, or smtps://HOST:465.");
	return false;
}

static bool
check_http_url(char **newval, void **extra pg_attribute_unused(),
               GucSource source pg_attribute_unused())
{
	if (has_scheme(*newval, "https://", "http://"))
		return true;
	GUC_check_errhint("Use https://HOST/PATH.");
	return false;
}

static void
define_mail_settings(void)
{
	define_string("bugevents.smtp_url", "Names the server that mails go to; empty: no mails.",
	              &bev_smtp_url, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, check_smtp_url);
	define_string("bugevents.smtp_from", "Sets the sender of mails.", &bev_smtp_from, "",
	              PGC_SIGHUP, 0, NULL);
	define_string("bugevents.smtp_user", "Sets the name to log in with at the mail server.",
	              &bev_smtp_user, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL);
	define_string("bugevents.smtp_password_file",
	              "Names the file with the password for the mail server.", &bev_smtp_password_file,
	              "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL);
	DefineCustomBoolVariable("bugevents.smtp_tls", "Requires TLS of the mail server.", NULL,
	                         &bev_smtp_tls, true, PGC_SIGHUP, 0, NULL, NULL, NULL);
	define_string("bugevents.unsubscribe_url",
	              "Sets the page that takes a user off mails; {{token}} in it says whom.",
	              &bev_unsubscribe_url, "", PGC_SIGHUP, 0, check_http_url);
}

static void
define_http_settings(void)
{
	define_string("bugevents.whatsapp_url",
	              "Names where WhatsApp messages are posted; empty: none are.", &bev_whatsapp_url,
	              "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, check_http_url);
	define_string("bugevents.whatsapp_token_file",
	              "Names the file with the access token for WhatsApp.", &bev_whatsapp_token_file,
	              "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL);
	define_string("bugevents.whatsapp_template",
	              "Names the message template with the parameters title and message.",
	              &bev_whatsapp_template, "bug_notification", PGC_SIGHUP, 0, NULL);
	define_string("bugevents.whatsapp_language", "Sets the language of the message template.",
	              &bev_whatsapp_language, "en", PGC_SIGHUP, 0, NULL);
	define_string("bugevents.webhook_url", "Names where notifications are posted; empty: nowhere.",
	              &bev_webhook_url, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, check_http_url);
	define_string("bugevents.webhook_secret_file",
	              "Names the file with the secret that signs webhooks.", &bev_webhook_secret_file,
	              "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL);
	define_string("bugevents.delivery_ca_file",
	              "Names the file with the certificates to trust; empty: the system's.",
	              &bev_delivery_ca_file, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL);
}

static void
define_delivery_settings(void)
{
	define_string("bugevents.default_channels",
	              "Lists the channels for users who have no preference.", &bev_default_channels, "",
	              PGC_SIGHUP, GUC_LIST_INPUT, check_channels);
	define_int(
		"bugevents.escalate_after",
		"Sets the time after which what is not read goes to the next channel; 0: all at once.",
		&bev_escalate_after, 0, 0, INT_MAX, PGC_SIGHUP, GUC_UNIT_MS);
	define_int("bugevents.delivery_rate",
	           "Sets how much is sent to a user by one channel in an hour; 0: no limit.",
	           &bev_delivery_rate, 60, 0, 1000000, PGC_SIGHUP, 0);
	define_int("bugevents.delivery_concurrency",
	           "Sets how many deliveries of one channel are under way at a time.",
	           &bev_delivery_concurrency, 4, 1, 64, PGC_SIGHUP, 0);
	define_int("bugevents.delivery_timeout", "Sets the time for one attempt.",
	           &bev_delivery_timeout, 60 * 1000, 100, 3600 * 1000, PGC_SIGHUP, GUC_UNIT_MS);
	define_int("bugevents.max_attempts", "Sets after how many attempts a delivery is given up.",
	           &bev_max_attempts, 5, 1, 100, PGC_SIGHUP, 0);
	define_int("bugevents.retry_delay",
	           "Sets the time before the second attempt; it doubles with each.", &bev_retry_delay,
	           2000, 10, 3600 * 1000, PGC_SIGHUP, GUC_UNIT_MS);
	DefineCustomBoolVariable("bugevents.retry_uncertain",
	                         "Sends mails and messages again that may have arrived.", NULL,
	                         &bev_retry_uncertain, false, PGC_SIGHUP, 0, NULL, NULL, NULL);
}

static void
define_token_settings(void)
{
	define_string("bugevents.jwt_secret_file",
	              "Names the file with the secret for HS256, HS384 and HS512.",
	              &bev_jwt_secret_file, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL);
	define_string("bugevents.jwt_key_file",
	              "Names the file with public keys in PEM for RS256, ES256 and their like.",
	              &bev_jwt_key_file, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL);
	define_string("bugevents.jwks_file", "Names the file with a JSON Web Key Set.", &bev_jwks_file,
	              "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL);
	define_string("bugevents.jwt_algorithms", "Sets the signature algorithms that are accepted.",
	              &bev_jwt_algorithms, "HS256,RS256,ES256", PGC_SIGHUP, 0, check_algorithms);
	define_string("bugevents.jwt_issuer", "Sets the issuer that a token must name; empty: any.",
	              &bev_jwt_issuer, "", PGC_SIGHUP, 0, NULL);
	define_string("bugevents.jwt_audience", "Sets the audience that a token must name; empty: any.",
	              &bev_jwt_audience, "", PGC_SIGHUP, 0, NULL);
	DefineCustomBoolVariable("bugevents.require_user",
	                         "Lets only users connect whom an attached table of users has.", NULL,
	                         &bev_require_user, false, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("bugevents.log_connections",
	                         "Logs each client that is let in, and its end.", NULL,
	                         &bev_log_connections, false, PGC_SIGHUP, 0, NULL, NULL, NULL);
	define_int(
		"bugevents.log_slow_delivery",
		"Logs events that take longer from their commit to the clients' sockets; -1 logs none.",
		&bev_log_slow_delivery, -1, -1, INT_MAX, PGC_SIGHUP, GUC_UNIT_MS);
	define_int("bugevents.jwt_leeway",
	           "Sets the difference of clocks that is tolerated in a token.", &bev_jwt_leeway,
	           30 * 1000, 0, 600 * 1000, PGC_SIGHUP, GUC_UNIT_MS);
}

static void
define_alert_settings(void)
{
	define_int("bugevents.alert_window",
	           "Sets the time over which alerts look at what happens; 0 turns all of them off.",
	           &bev_alert_window, 300, 0, 24 * 3600, PGC_SIGHUP, GUC_UNIT_S);
	define_int(
		"bugevents.alert_error_rate",
		"Sets the errors a minute, beyond one in a hundred deliveries, that raise an alert; 0 is off.",
		&bev_alert_error_rate, 60, 0, INT_MAX, PGC_SIGHUP, 0);
	define_int("bugevents.alert_connection_spike",
	           "Sets how many times as many connections as usual raise an alert; 0 is off.",
	           &bev_alert_connection_spike, 3, 0, 1000000, PGC_SIGHUP, 0);
	define_int(
		"bugevents.alert_delivery_latency",
		"Sets the time from commit to socket that raises an alert when one event in a hundred takes longer; 0 is off.",
		&bev_alert_delivery_latency, 1000, 0, INT_MAX, PGC_SIGHUP, GUC_UNIT_MS);
	define_int("bugevents.alert_queue_overflows",
	           "Sets how many transactions that find the queue full raise an alert; 0 is off.",
	           &bev_alert_queue_overflows, 1, 0, INT_MAX, PGC_SIGHUP, 0);
	define_int("bugevents.alert_journal_size",
	           "Sets the percentage of bugevents.retention_size that raises an alert; 0 is off.",
	           &bev_alert_journal_size, 90, 0, 100, PGC_SIGHUP, 0);
	define_int("bugevents.alert_gateway_restarts",
	           "Sets how many gateways that end by themselves raise an alert; 0 is off.",
	           &bev_alert_gateway_restarts, 3, 0, INT_MAX, PGC_SIGHUP, 0);
	define_int(
		"bugevents.alert_projector_lag",
		"Sets by how many events the projector has to be behind all the time to raise an alert; 0 is off.",
		&bev_alert_projector_lag, 10000, 0, INT_MAX, PGC_SIGHUP, 0);
}

void
bev_settings_define(void)
{
	define_stream_settings();
	define_gateway_settings();
	define_tls_settings();
	define_token_settings();
	define_projector_settings();
	define_mail_settings();
	define_http_settings();
	define_delivery_settings();
	define_alert_settings();
	MarkGUCPrefixReserved("bugevents");
	preloaded = true;
}

bool
bev_settings_are_preloaded(void)
{
	return preloaded;
}

void
bev_settings_require_preload(void)
{
	if (!preloaded)
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		     errmsg("bugevents must be loaded via shared_preload_libraries"),
		     errhint(
				 "Add bugevents to shared_preload_libraries in postgresql.conf and restart the server.")));
}

bool
bev_settings_database_is_served(void)
{
	static bool known = false;
	static bool served;

	if (!known)
	{
		char *name = get_database_name(MyDatabaseId);

		served = name != NULL && strcmp(name, bev_database) == 0;
		known = true;
	}
	return served;
}
