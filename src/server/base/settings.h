/*
 * settings.h - the settings of postgresql.conf (bugevents.*), as C variables.
 *
 * Strings are never NULL; an empty string means "not set".
 */
#ifndef BEV_SERVER_BASE_SETTINGS_H
#define BEV_SERVER_BASE_SETTINGS_H

#include "postgres.h"

typedef enum BevTlsVersion
{
	BEV_TLS_1_2 = 12,
	BEV_TLS_1_3 = 13
} BevTlsVersion;

/* The stream */
extern bool bev_enabled;        /* sessions look at the switch (enabled.h) instead */
extern char *bev_database;      /* the one database that is served */
extern int bev_queue_size;      /* kB */
extern int bev_spill_size;      /* kB */
extern char *bev_actor_setting; /* who acts in this session; actor.h */
extern int bev_max_value_size;  /* bytes, of one field of a payload */
extern int bev_retention;       /* seconds */
extern int bev_retention_size;  /* kB; 0: no limit */

/* What is derived */
extern bool bev_projector;
extern int bev_fold_interval;          /* ms; 0: never */
extern int bev_notification_retention; /* seconds; 0: for ever */
extern int bev_projector_error_rows;
extern bool bev_watch_on_comment;
extern char *bev_closed_statuses; /* comma separated */

/* What is sent */
extern char *bev_smtp_url;
extern char *bev_smtp_from;
extern char *bev_smtp_user;
extern char *bev_smtp_password_file;
extern bool bev_smtp_tls;
extern char *bev_whatsapp_url;
extern char *bev_whatsapp_token_file;
extern char *bev_whatsapp_template;
extern char *bev_whatsapp_language;
extern char *bev_webhook_url;
extern char *bev_webhook_secret_file;
extern char *bev_delivery_ca_file;
extern char *bev_default_channels; /* comma separated */
extern char *bev_unsubscribe_url;
extern int bev_escalate_after;       /* ms; 0: all channels at once */
extern int bev_delivery_rate;        /* per hour, user and channel; 0: no limit */
extern int bev_delivery_concurrency; /* of each channel */
extern int bev_delivery_timeout;     /* ms */
extern int bev_max_attempts;
extern int bev_retry_delay; /* ms, before the second attempt */
extern bool bev_retry_uncertain;

/* Alerts; a threshold of 0 is off */
extern int bev_alert_window;           /* seconds; 0: no alerts */
extern int bev_alert_error_rate;       /* per minute */
extern int bev_alert_connection_spike; /* times what is usual */
extern int bev_alert_delivery_latency; /* ms */
extern int bev_alert_queue_overflows;
extern int bev_alert_journal_size; /* % */
extern int bev_alert_gateway_restarts;
extern int bev_alert_projector_lag; /* events */

/* The gateways */
extern char *bev_listen_addresses;
extern int bev_port;
extern int bev_gateways;
extern int bev_window_size; /* kB */
extern int bev_max_connections;
extern int bev_max_connections_per_user;
extern int bev_ended_connections;
extern int bev_message_rate;      /* per minute */
extern int bev_handshake_rate;    /* per minute and address */
extern int bev_auth_failure_rate; /* likewise */
extern char *bev_trusted_proxies;
extern int bev_security_event_rows;
extern int bev_request_timeout;    /* ms */
extern int bev_max_message_size;   /* bytes */
extern int bev_ping_interval;      /* ms */
extern int bev_connection_timeout; /* ms */
extern int bev_client_lag_limit;   /* events; 0: no limit */
extern char *bev_allowed_origins;
extern bool bev_require_user;
extern bool bev_log_connections;
extern int bev_log_slow_delivery; /* ms; -1: off */
extern bool bev_allow_plaintext;
extern char *bev_tls_cert_file;
extern char *bev_tls_key_file;
extern int bev_tls_min_protocol_version; /* BevTlsVersion */

/* Tokens */
extern char *bev_jwt_secret_file;
extern char *bev_jwt_key_file;
extern char *bev_jwks_file;
extern char *bev_jwt_algorithms;
extern char *bev_jwt_issuer;
extern char *bev_jwt_audience;
extern int bev_jwt_leeway; /* ms */

/* Define them all; called once from _PG_init while preloading. */
extern void bev_settings_define(void);

/*
 * Throw unless the library was preloaded: nothing of bugevents works without
 * its shared memory.
 */
extern void bev_settings_require_preload(void);

extern bool bev_settings_are_preloaded(void);

/* Is the session's database the one that bugevents.database names? */
extern bool bev_settings_database_is_served(void);

/*
 * The next item of a list with commas, without the spaces around it; NULL: there is none.  Writes
 * into the list.
 */
extern char *bev_settings_next_item(char **rest);

#endif /* BEV_SERVER_BASE_SETTINGS_H */
