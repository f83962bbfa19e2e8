/*
 * route.h - how the deliveries of one channel go out: where to, as whom, how patiently.
 *
 * A route doesn't change.  A new configuration is a new route; the old one lives on as long
 * as a delivery uses it.  Any thread may share and release.
 */
#ifndef BEV_CARRIER_MESSAGE_ROUTE_H
#define BEV_CARRIER_MESSAGE_ROUTE_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "carrier/message/mailbox.h"
#include "carrier/message/redact.h"
#include "carrier/message/medium.h"
#include "carrier/message/signature.h"

typedef struct BevRoute
{
	BevMedium medium;
	atomic_uint users;

	char *url;
	char *ca; /* PEM; empty: what the system trusts */

	/* E-mail */
	BevMailbox from;
	char *user; /* empty: no authentication */
	char *password;
	bool tls; /* only with TLS */

	/* WhatsApp */
	char *token;

	/* Webhook */
	BevSigner signer;

	uint32_t connect_timeout; /* ms */
	uint32_t timeout;         /* ms */
	uint32_t stall_timeout;   /* ms */
	uint32_t concurrency;
	uint32_t queue;

	BevRedact mask; /* what no error may show */
} BevRoute;

/*
 * Read a channel's member of a config message.  NULL: it can't be used; error says why, and
 * quotes no secret.
 */
extern BevRoute *bev_route_read(BevMedium medium, const json_t *member, char *error,
                                size_t error_size);

extern BevRoute *bev_route_share(BevRoute *route);

/* The last one wipes the secrets.  NULL is fine. */
extern void bev_route_release(BevRoute *route);

#endif /* BEV_CARRIER_MESSAGE_ROUTE_H */
