/*
 * config.h - the settings, as the dispatcher sends them.
 */
#ifndef BEV_GATEWAY_CONFIG_CONFIG_H
#define BEV_GATEWAY_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* -1, as a number of a setting */
#define BEV_NEVER UINT32_MAX

typedef struct BevConfig
{
	/* How */
	uint32_t tls;             /* 0: without; 1: with TLS alone */
	char *tls_cert;           /* PEM; empty: the file could not be read */
	char *tls_key;            /* PEM */
	uint32_t tls_min_version; /* 12, 13 */

	/* How much */
	size_t window_size; /* bytes */
	size_t state_cache_size;
	uint32_t max_connections;
	uint32_t max_connections_per_user;
	uint32_t max_unauthenticated_connections;
	uint32_t max_unauthenticated_per_address;
	uint32_t message_rate;       /* per minute; 0: no limit */
	uint32_t handshake_rate;     /* per minute, for each address; 0: no limit */
	uint32_t auth_failure_rate;  /* likewise */
	char *trusted_proxies;       /* addresses between commas */
	size_t max_message_size;     /* bytes */
	uint32_t ping_interval;      /* ms; 0: none */
	uint32_t connection_timeout; /* ms */
	uint32_t client_lag_limit;   /* events; 0: no limit */
	uint32_t log_slow_delivery;  /* ms; BEV_NEVER: it isn't logged */

	/* Who */
	char *allowed_origins;
	uint32_t require_user; /* only whom a table of users has; 0, 1 */
	char *place_key;       /* base64, for session/place.h */
} BevConfig;

/*
 * Read the JSON of a CONFIG message.  Members that are not there take their
 * defaults, unknown ones are ignored.  NULL when it is not a JSON object or a
 * member has the wrong type; error names it then.
 */
extern BevConfig *bev_config_read(const char *json, size_t len, char *error, size_t error_size);

/* What it says from now on is what with says, which is freed; at first it is all zero. */
extern void bev_config_replace(BevConfig *config, BevConfig *with);

/* Forget what it says; secrets are wiped. */
extern void bev_config_clear(BevConfig *config);

/* The same, and itself. */
extern void bev_config_free(BevConfig *config);

#endif /* BEV_GATEWAY_CONFIG_CONFIG_H */
