/*
 * settings.h - the settings of postgresql.conf (bugevents.*), as C variables.
 *
 * Strings are never NULL; an empty string means "not set".
 */
#ifndef BE_SERVER_BASE_SETTINGS_H
#define BE_SERVER_BASE_SETTINGS_H

#include "postgres.h"

typedef enum BeTlsVersion
{
	BE_TLS_1_2 = 12,
	BE_TLS_1_3 = 13
} BeTlsVersion;

/* The stream */
extern bool be_enabled;			/* sessions look at the switch (enabled.h) instead */
extern char *be_database;		/* the one database that is served */
extern int	be_queue_size;		/* kB */
extern int	be_spill_size;		/* kB */
extern char *be_actor_setting;	/* who acts in this session; actor.h */
extern int	be_max_value_size;	/* bytes, of one field of a payload */
extern int	be_retention;		/* seconds */
extern int	be_retention_size;	/* kB; 0: no limit */

/* What is derived */
extern bool be_projector;
extern int	be_fold_interval;	/* ms; 0: never */
extern int	be_notification_retention;	/* seconds; 0: for ever */
extern int	be_projector_error_rows;
extern bool be_watch_on_comment;
extern char *be_closed_statuses;	/* comma separated */

/* What is sent */
extern char *be_smtp_url;
extern char *be_smtp_from;
extern char *be_smtp_user;
extern char *be_smtp_password_file;
extern bool be_smtp_tls;
extern char *be_whatsapp_url;
extern char *be_whatsapp_token_file;
extern char *be_whatsapp_template;
extern char *be_whatsapp_language;
extern char *be_webhook_url;
extern char *be_webhook_secret_file;
extern char *be_delivery_ca_file;
extern char *be_default_channels;	/* comma separated */
extern char *be_unsubscribe_url;
extern int	be_escalate_after;	/* ms; 0: all channels at once */
extern int	be_delivery_rate;	/* per hour, user and channel; 0: no limit */
extern int	be_delivery_concurrency;	/* of each channel */
extern int	be_delivery_timeout;	/* ms */
extern int	be_max_attempts;
extern int	be_retry_delay;		/* ms, before the second attempt */
extern bool be_retry_uncertain;

/* Alerts; a threshold of 0 is off */
extern int	be_alert_window;	/* seconds; 0: no alerts */
extern int	be_alert_error_rate;	/* per minute */
extern int	be_alert_connection_spike;	/* times what is usual */
extern int	be_alert_delivery_latency;	/* ms */
extern int	be_alert_queue_overflows;
extern int	be_alert_journal_size;	/* % */
extern int	be_alert_gateway_restarts;
extern int	be_alert_projector_lag; /* events */

/* The gateways */
extern char *be_listen_addresses;
extern int	be_port;
extern int	be_gateways;
extern int	be_window_size;		/* kB */
extern int	be_max_connections;
extern int	be_max_connections_per_user;
extern int	be_ended_connections;
extern int	be_message_rate;	/* per minute */
extern int	be_handshake_rate;	/* per minute and address */
extern int	be_auth_failure_rate;	/* likewise */
extern char *be_trusted_proxies;
extern int	be_security_event_rows;
extern int	be_request_timeout; /* ms */
extern int	be_max_message_size;	/* bytes */
extern int	be_ping_interval;	/* ms */
extern int	be_connection_timeout;	/* ms */
extern int	be_client_lag_limit;	/* events; 0: no limit */
extern char *be_allowed_origins;
extern bool be_require_user;
extern bool be_log_connections;
extern int	be_log_slow_delivery;	/* ms; -1: off */
extern bool be_allow_plaintext;
extern char *be_tls_cert_file;
extern char *be_tls_key_file;
extern int	be_tls_min_protocol_version;	/* BeTlsVersion */

/* Tokens */
extern char *be_jwt_secret_file;
extern char *be_jwt_key_file;
extern char *be_jwks_file;
extern char *be_jwt_algorithms;
extern char *be_jwt_issuer;
extern char *be_jwt_audience;
extern int	be_jwt_leeway;		/* ms */

/* Define them all; called once from _PG_init while preloading. */
extern void be_settings_define(void);

/*
 * Throw unless the library was preloaded: nothing of bugevents works without
 * its shared memory.
 */
extern void be_settings_require_preload(void);

extern bool be_settings_are_preloaded(void);

/* Is the session's database the one that bugevents.database names? */
extern bool be_settings_database_is_served(void);

/*
 * The next item of a list with commas, without the spaces around it; NULL: there is none.  Writes
 * into the list.
 */
extern char *be_settings_next_item(char **rest);

#endif							/* BE_SERVER_BASE_SETTINGS_H */
