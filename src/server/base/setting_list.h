/*
 * setting_list.h - the settings of postgresql.conf, one by one.
 *
 *	BOOL(variable, name, default, context, flags, description)
 *	INT(variable, name, default, least, most, context, flags, description)
 *	CHECKED_INT(variable, name, default, least, most, context, flags, check, description)
 *	STRING(variable, name, default, context, flags, check, description)
 *	ENUM(variable, name, default, options, context, flags, description)
 *
 * Model: whoever includes it says what these mean, and means something else each time; so there is
 * no guard.  A setting that the gateways need is PGC_SIGHUP: the dispatcher sends the whole
 * configuration again after a reload.  What sizes shared memory, or names the database that the
 * dispatcher is connected to, is PGC_POSTMASTER.
 *
 * Secrets are files, and only superusers see where they are.
 */

/* The stream */
BOOL(bev_enabled, "bugevents.enabled", true, PGC_SIGHUP, 0,
     "Captures changes and serves clients; off does neither.")
STRING(bev_database, "bugevents.database", "postgres", PGC_POSTMASTER, 0,
       bev_setting_check_database, "Sets the database whose changes are streamed.")
INT(bev_queue_size, "bugevents.queue_size", 16 * 1024, 64, 1024 * 1024, PGC_POSTMASTER, GUC_UNIT_KB,
    "Sets the shared memory that carries commits to the dispatcher.")
INT(bev_poll_interval, "bugevents.poll_interval", 2, 0, 100, PGC_SIGHUP, GUC_UNIT_MS,
    "Sets the time between looks for new commits while these come fast; 0: each wakes the dispatcher.")
INT(bev_spill_size, "bugevents.spill_size", 1024, 64, 256 * 1024, PGC_SUSET, GUC_UNIT_KB,
    "Sets how much of a transaction's events a session holds before it writes them to the journal.")
INT(bev_netting_limit, "bugevents.netting_limit", 1000000, 1, INT_MAX / 2, PGC_SUSET, 0,
    "Sets how many changes of rows a session holds before it publishes a part of its transaction.")
STRING(bev_actor_setting, "bugevents.actor", "", PGC_USERSET, 0, NULL,
       "Names the user on whose behalf the session writes.")
INT(bev_max_value_size, "bugevents.max_value_size", 1024 * 1024, 256, 16 * 1024 * 1024, PGC_SUSET,
    GUC_UNIT_BYTE, "Sets the size above which a value of a payload is cut.")
INT(bev_send_rate, "bugevents.send_rate", 60000, 0, 1000000, PGC_SUSET, 0,
    "Sets how many events a session may publish by send() in a minute; 0 is no limit.")
INT(bev_retention, "bugevents.retention", 24 * 3600, 1, INT_MAX / 2, PGC_SIGHUP, GUC_UNIT_S,
    "Sets how long events are kept in the journal, at least.")
INT(bev_retention_size, "bugevents.retention_size", 0, 0, INT_MAX, PGC_SIGHUP, GUC_UNIT_KB,
    "Sets the size of the journal above which its oldest events are dropped; 0 is no limit.")
INT(bev_consumer_retention, "bugevents.consumer_retention", 7 * 86400, 0, INT_MAX / 2, PGC_SIGHUP,
    GUC_UNIT_S, "Sets how long events are kept for consumers that have not read them.")

/* Standbys */
BOOL(bev_serve_on_standby, "bugevents.serve_on_standby", true, PGC_SIGHUP, 0,
     "Serves clients while the server is a standby.")
INT(bev_standby_lag_limit, "bugevents.standby_lag_limit", 10 * 1000, 0, 24 * 3600 * 1000,
    PGC_SIGHUP, GUC_UNIT_MS,
    "Sets how far a standby may be behind its primary and still let clients in; 0 is no limit.")

/* The gateways */
STRING(bev_listen_addresses, "bugevents.listen_addresses", "localhost", PGC_SIGHUP, 0, NULL,
       "Sets the addresses on which the gateways listen.")
CHECKED_INT(bev_port, "bugevents.port", 8432, 1, 65535, PGC_SIGHUP, 0, bev_setting_check_port,
            "Sets the TCP port of the gateways.")
INT(bev_gateways, "bugevents.gateways", 1, 1, BEV_GATEWAYS_MAX, PGC_SIGHUP, 0,
    "Sets the number of gateway processes.")
INT(bev_window_size, "bugevents.window_size", 64 * 1024, 1024, 16 * 1024 * 1024, PGC_SIGHUP,
    GUC_UNIT_KB, "Sets the memory of each gateway for recent events.")
INT(bev_state_cache_size, "bugevents.state_cache_size", 64 * 1024, 1024, 16 * 1024 * 1024,
    PGC_SIGHUP, GUC_UNIT_KB, "Sets the memory of each gateway for rows that clients asked for.")
INT(bev_state_disk_size, "bugevents.state_disk_size", 10 * 1024 * 1024, 0, INT_MAX, PGC_SIGHUP,
    GUC_UNIT_KB, "Sets the disk space for rows that clients of a gateway asked for.")
INT(bev_max_connections, "bugevents.max_connections", 10000, 1, 1000000, PGC_POSTMASTER, 0,
    "Sets the number of clients that may be connected.")
INT(bev_max_connections_per_user, "bugevents.max_connections_per_user", 3, 1, 1000000, PGC_SIGHUP,
    0, "Sets the number of connections that one user may have.")
INT(bev_max_unauthenticated_connections, "bugevents.max_unauthenticated_connections", 10000, 1,
    1000000, PGC_SIGHUP, 0,
    "Sets how many connections of a gateway may be without a good token; older ones go first.")
INT(bev_max_unauthenticated_per_address, "bugevents.max_unauthenticated_per_address", 100, 1,
    1000000, PGC_SIGHUP, 0,
    "Sets how many connections of one address may be without a good token; older ones go first.")
INT(bev_ended_connections, "bugevents.ended_connections", 1000, 0, 1000000, PGC_POSTMASTER, 0,
    "Sets how many connections that ended or were refused are kept for explain_delivery().")
INT(bev_message_rate, "bugevents.message_rate", 60, 0, 1000000, PGC_SIGHUP, 0,
    "Sets how many messages a client may send in a minute; 0 is no limit.")
INT(bev_max_message_size, "bugevents.max_message_size", 64 * 1024, 1024, 16 * 1024 * 1024,
    PGC_SIGHUP, GUC_UNIT_BYTE, "Sets the largest message that is accepted from a client.")
INT(bev_handshake_rate, "bugevents.handshake_rate", 600, 0, 1000000, PGC_SIGHUP, 0,
    "Sets how many requests an address may make in a minute; 0 is no limit.")
INT(bev_auth_failure_rate, "bugevents.auth_failure_rate", 30, 0, 1000000, PGC_SIGHUP, 0,
    "Sets how many bad tokens an address may show in a minute; 0 is no limit.")
STRING(bev_trusted_proxies, "bugevents.trusted_proxies", "", PGC_SIGHUP, 0,
       bev_setting_check_proxies, "Sets the proxies whose X-Forwarded-For header is believed.")
INT(bev_security_event_rows, "bugevents.security_event_rows", 10000, 0, 10000000, PGC_SIGHUP, 0,
    "Sets how many rows bugevents.security_events keeps; 0 writes none.")
INT(bev_request_timeout, "bugevents.request_timeout", 5 * 1000, 100, 3600 * 1000, PGC_SIGHUP,
    GUC_UNIT_MS, "Sets how long the database may take to answer a client's get or list.")
INT(bev_responders, "bugevents.responders", 2, 1, 16, PGC_SIGHUP, 0,
    "Sets how many of clients' questions the database works on at a time.")
INT(bev_ping_interval, "bugevents.ping_interval", 30 * 1000, 0, 24 * 3600 * 1000, PGC_SIGHUP,
    GUC_UNIT_MS, "Sets the idle time after which a client is pinged; 0 sends no pings.")
INT(bev_connection_timeout, "bugevents.connection_timeout", 60 * 1000, 1000, 24 * 3600 * 1000,
    PGC_SIGHUP, GUC_UNIT_MS, "Sets how long a client may be silent, or take for its handshake.")
INT(bev_client_lag_limit, "bugevents.client_lag_limit", 0, 0, INT_MAX, PGC_SIGHUP, 0,
    "Sets how many events a client may fall behind before it is disconnected; 0 is no limit.")
STRING(bev_allowed_origins, "bugevents.allowed_origins", "", PGC_SIGHUP, 0,
       bev_setting_check_origins,
       "Sets the origins whose pages may connect; empty: the gateway's own.")

/* TLS */
STRING(bev_tls_cert_file, "bugevents.tls_cert_file", "", PGC_SIGHUP, 0, NULL,
       "Names the file with the gateways' certificate chain in PEM; empty: no TLS.")
STRING(bev_tls_key_file, "bugevents.tls_key_file", "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL,
       "Names the file with the certificate's private key in PEM.")
ENUM(bev_tls_min_protocol_version, "bugevents.tls_min_protocol_version", BEV_TLS_1_2, tls_versions,
     PGC_SIGHUP, 0, "Sets the oldest version of TLS that is accepted.")
BOOL(bev_allow_plaintext, "bugevents.allow_plaintext", false, PGC_SIGHUP, 0,
     "Allows connections without TLS on other addresses than loopback.")

/* What is derived */
BOOL(bev_projector, "bugevents.projector", true, PGC_SIGHUP, 0,
     "Derives notifications and reminders from the journal.")
INT(bev_fold_interval, "bugevents.fold_interval", 60 * 1000, 0, 24 * 3600 * 1000, PGC_SIGHUP,
    GUC_UNIT_MS, "Sets the time in which notifications of one kind about one bug become one.")
INT(bev_notification_retention, "bugevents.notification_retention", 90 * 86400, 0, INT_MAX,
    PGC_SIGHUP, GUC_UNIT_S, "Sets the age at which notifications are deleted; 0: never.")
INT(bev_derive_timeout, "bugevents.derive_timeout", 5000, 100, 3600 * 1000, PGC_SIGHUP, GUC_UNIT_MS,
    "Sets the time after which an event, from which nothing is derived by then, is set aside.")
INT(bev_projector_error_rows, "bugevents.projector_error_rows", 1000, 1, 1000000, PGC_SIGHUP, 0,
    "Sets how many events bugevents.projector_errors keeps; older ones go.")
BOOL(bev_history, "bugevents.history", true, PGC_SIGHUP, 0,
     "Keeps who changed what when in bugevents.history.")
INT(bev_history_retention, "bugevents.history_retention", 365 * 86400, 0, INT_MAX, PGC_SIGHUP,
    GUC_UNIT_S, "Sets the age at which entries of the history are deleted; 0: never.")
BOOL(bev_archive, "bugevents.archive", true, PGC_SIGHUP, 0,
     "Keeps rows that were deleted in bugevents.archive.")
INT(bev_archive_retention, "bugevents.archive_retention", 30 * 86400, 0, INT_MAX, PGC_SIGHUP,
    GUC_UNIT_S, "Sets the age at which deleted rows leave the archive; 0: never.")
INT(bev_archive_size, "bugevents.archive_size", 1024 * 1024, 0, INT_MAX, PGC_SIGHUP, GUC_UNIT_KB,
    "Sets the size of the archive above which its oldest rows go; 0 is no limit.")
BOOL(bev_statistics, "bugevents.statistics", true, PGC_SIGHUP, 0,
     "Counts what there is of projects, users and bugs.")
BOOL(bev_watch_on_comment, "bugevents.watch_on_comment", true, PGC_SIGHUP, 0,
     "Lets whoever comments on a bug watch it.")
INT(bev_due_reminder, "bugevents.due_reminder", 86400, 0, INT_MAX, PGC_SIGHUP, GUC_UNIT_S,
    "Sets how long before a bug is due (its field due_at) its assignee is reminded.")
STRING(bev_tracker_url, "bugevents.tracker_url", "", PGC_SIGHUP, 0, bev_setting_check_http_url,
       "Sets the pages of bugs, for links; {id} and {project_id} in it say which.")
STRING(bev_closed_statuses, "bugevents.closed_statuses", "closed", PGC_SIGHUP, GUC_LIST_INPUT, NULL,
       "Lists the statuses that cancel a bug's reminders; empty: none.")

/* Mail */
STRING(bev_smtp_url, "bugevents.smtp_url", "", PGC_SIGHUP, GUC_SUPERUSER_ONLY,
       bev_setting_check_smtp_url, "Names the server that mails go to; empty: no mails.")
STRING(bev_smtp_from, "bugevents.smtp_from", "", PGC_SIGHUP, 0, NULL, "Sets the sender of mails.")
STRING(bev_smtp_user, "bugevents.smtp_user", "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL,
       "Sets the name to log in with at the mail server.")
STRING(bev_smtp_password_file, "bugevents.smtp_password_file", "", PGC_SIGHUP, GUC_SUPERUSER_ONLY,
       NULL, "Names the file with the password for the mail server.")
BOOL(bev_smtp_tls, "bugevents.smtp_tls", true, PGC_SIGHUP, 0, "Requires TLS of the mail server.")
BOOL(bev_mail_from_actor, "bugevents.mail_from_actor", true, PGC_SIGHUP, 0,
     "Names who did something in the sender of mails, before the name of bugevents.smtp_from.")
STRING(bev_mail_locale, "bugevents.mail_locale", "en", PGC_SIGHUP, 0, bev_setting_check_locale,
       "Sets the language of mails to users who have set none.")
STRING(bev_unsubscribe_url, "bugevents.unsubscribe_url", "", PGC_SIGHUP, 0,
       bev_setting_check_http_url,
       "Sets the page that takes a user off mails; {{token}} in it says whom.")

/* WhatsApp messages and webhooks */
STRING(bev_whatsapp_url, "bugevents.whatsapp_url", "", PGC_SIGHUP, GUC_SUPERUSER_ONLY,
       bev_setting_check_http_url, "Names where WhatsApp messages are posted; empty: none are.")
STRING(bev_whatsapp_token_file, "bugevents.whatsapp_token_file", "", PGC_SIGHUP, GUC_SUPERUSER_ONLY,
       NULL, "Names the file with the access token for WhatsApp.")
STRING(bev_whatsapp_template, "bugevents.whatsapp_template", "bug_notification", PGC_SIGHUP, 0,
       NULL, "Names the message template with the parameters title and message.")
STRING(bev_whatsapp_language, "bugevents.whatsapp_language", "en", PGC_SIGHUP, 0, NULL,
       "Sets the language of the message template.")
STRING(bev_webhook_url, "bugevents.webhook_url", "", PGC_SIGHUP, GUC_SUPERUSER_ONLY,
       bev_setting_check_http_url, "Names where notifications are posted; empty: nowhere.")
STRING(bev_webhook_secret_file, "bugevents.webhook_secret_file", "", PGC_SIGHUP, GUC_SUPERUSER_ONLY,
       NULL, "Names the file with the secret that signs webhooks.")
STRING(bev_delivery_ca_file, "bugevents.delivery_ca_file", "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL,
       "Names the file with the certificates to trust; empty: the system's.")

/* What is sent, by any channel */
STRING(bev_default_channels, "bugevents.default_channels", "", PGC_SIGHUP, GUC_LIST_INPUT,
       bev_setting_check_channels, "Lists the channels for users who have no preference.")
INT(bev_escalate_after, "bugevents.escalate_after", 0, 0, INT_MAX, PGC_SIGHUP, GUC_UNIT_MS,
    "Sets the time after which what is not read goes to the next channel; 0: all at once.")
INT(bev_delivery_rate, "bugevents.delivery_rate", 60, 0, 1000000, PGC_SIGHUP, 0,
    "Sets how much is sent to a user by one channel in an hour; 0: no limit.")
INT(bev_delivery_concurrency, "bugevents.delivery_concurrency", 4, 1, 64, PGC_SIGHUP, 0,
    "Sets how many deliveries of one channel are under way at a time.")
INT(bev_delivery_timeout, "bugevents.delivery_timeout", 60 * 1000, 100, 3600 * 1000, PGC_SIGHUP,
    GUC_UNIT_MS, "Sets the time for one attempt.")
INT(bev_max_attempts, "bugevents.max_attempts", 35, 1, 100, PGC_SIGHUP, 0,
    "Sets after how many attempts a delivery is given up.")
INT(bev_retry_delay, "bugevents.retry_delay", 2000, 10, 3600 * 1000, PGC_SIGHUP, GUC_UNIT_MS,
    "Sets the time before the second attempt; it doubles with each.")
BOOL(bev_retry_uncertain, "bugevents.retry_uncertain", false, PGC_SIGHUP, 0,
     "Sends mails and messages again that may have arrived.")

/* Tokens, and who connects */
STRING(bev_jwt_secret_file, "bugevents.jwt_secret_file", "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL,
       "Names the file with the secret for HS256, HS384 and HS512.")
STRING(bev_jwt_key_file, "bugevents.jwt_key_file", "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL,
       "Names the file with public keys in PEM for RS256, ES256 and their like.")
STRING(bev_jwks_file, "bugevents.jwks_file", "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL,
       "Names the file with a JSON Web Key Set.")
STRING(bev_jwt_algorithms, "bugevents.jwt_algorithms", "HS256,RS256,ES256", PGC_SIGHUP, 0,
       bev_setting_check_algorithms, "Sets the signature algorithms that are accepted.")
STRING(bev_jwt_issuer, "bugevents.jwt_issuer", "", PGC_SIGHUP, 0, NULL,
       "Sets the issuer that a token must name; empty: any.")
STRING(bev_jwt_audience, "bugevents.jwt_audience", "", PGC_SIGHUP, 0, NULL,
       "Sets the audience that a token must name; empty: any.")
BOOL(bev_require_user, "bugevents.require_user", true, PGC_SIGHUP, 0,
     "Lets only users connect whom an attached table of users has, if there is one.")
BOOL(bev_log_connections, "bugevents.log_connections", false, PGC_SIGHUP, 0,
     "Logs each client that is let in, and its end.")
INT(bev_log_slow_delivery, "bugevents.log_slow_delivery", -1, -1, INT_MAX, PGC_SIGHUP, GUC_UNIT_MS,
    "Logs events that take longer from their commit to the clients' sockets; -1 logs none.")
INT(bev_jwt_leeway, "bugevents.jwt_leeway", 30 * 1000, 0, 600 * 1000, PGC_SIGHUP, GUC_UNIT_MS,
    "Sets the difference of clocks that is tolerated in a token.")

/* Alerts */
INT(bev_alert_window, "bugevents.alert_window", 300, 0, 24 * 3600, PGC_SIGHUP, GUC_UNIT_S,
    "Sets the time over which alerts look at what happens; 0 turns all of them off.")
INT(bev_alert_error_rate, "bugevents.alert_error_rate", 60, 0, INT_MAX, PGC_SIGHUP, 0,
    "Sets the errors a minute, beyond one in a hundred deliveries, that raise an alert; 0 is off.")
INT(bev_alert_connection_spike, "bugevents.alert_connection_spike", 3, 0, 1000000, PGC_SIGHUP, 0,
    "Sets how many times as many connections as usual raise an alert; 0 is off.")
INT(bev_alert_delivery_latency, "bugevents.alert_delivery_latency", 1000, 0, INT_MAX, PGC_SIGHUP,
    GUC_UNIT_MS,
    "Sets the time from commit to socket that raises an alert when one event in a hundred takes longer; 0 is off.")
INT(bev_alert_queue_overflows, "bugevents.alert_queue_overflows", 1, 0, INT_MAX, PGC_SIGHUP, 0,
    "Sets how many transactions that find the queue full raise an alert; 0 is off.")
INT(bev_alert_journal_size, "bugevents.alert_journal_size", 90, 0, 100, PGC_SIGHUP, 0,
    "Sets the percentage of bugevents.retention_size that raises an alert; 0 is off.")
INT(bev_alert_gateway_restarts, "bugevents.alert_gateway_restarts", 3, 0, INT_MAX, PGC_SIGHUP, 0,
    "Sets how many gateways that end by themselves raise an alert; 0 is off.")
INT(bev_alert_projector_lag, "bugevents.alert_projector_lag", 10000, 0, INT_MAX, PGC_SIGHUP, 0,
    "Sets by how many events the projector has to be behind all the time to raise an alert; 0 is off.")
INT(bev_alert_consumer_lag, "bugevents.alert_consumer_lag", 100000, 0, INT_MAX, PGC_SIGHUP, 0,
    "Sets by how many events a consumer has to be behind all the time to raise an alert; 0 is off.")
INT(bev_alert_projector_stuck, "bugevents.alert_projector_stuck", 300, 0, INT_MAX, PGC_SIGHUP,
    GUC_UNIT_S,
    "Sets for how long the projector doesn't get on, though there are events, to raise an alert; 0 is off.")
INT(bev_alert_delivery_outage, "bugevents.alert_delivery_outage", 300, 0, INT_MAX, PGC_SIGHUP,
    GUC_UNIT_S,
    "Sets for how long nothing gets out by one of the channels to raise an alert; 0 is off.")
INT(bev_alert_expression_errors, "bugevents.alert_expression_errors", 1, 0, INT_MAX, PGC_SIGHUP, 0,
    "Sets how many failures of attachments' expressions raise an alert; 0 is off.")

#undef BOOL
#undef INT
#undef CHECKED_INT
#undef STRING
#undef ENUM
