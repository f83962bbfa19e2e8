/*
 * route.h - how the deliveries of one channel go out: where to, as whom, how patiently.
 *
 * A route doesn't change.  A new configuration is a new route; the old one lives on as long
 * as a delivery uses it.  Any thread may share and release.
 */
#ifndef BE_CARRIER_MESSAGE_ROUTE_H
#define BE_CARRIER_MESSAGE_ROUTE_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "carrier/message/mailbox.h"
#include "carrier/message/redact.h"
#include "carrier/message/medium.h"
#include "carrier/message/signature.h"

typedef struct BeRoute
{
	BeMedium	medium;
	atomic_uint users;

	char	   *url;
	char	   *ca;				/* PEM; empty: what the system trusts */

	/* E-mail */
	BeMailbox	from;
	char	   *user;			/* empty: no authentication */
	char	   *password;
	bool		tls;			/* only with TLS */

	/* WhatsApp */
	char	   *token;

	/* Webhook */
	BeSigner	signer;

	uint32_t	connect_timeout;	/* ms */
	uint32_t	timeout;		/* ms */
	uint32_t	stall_timeout;	/* ms */
	uint32_t	concurrency;
	uint32_t	queue;

	BeMask		mask;			/* what no error may show */
} BeRoute;

/*
 * Read a channel's member of a config message.  NULL: it can't be used; error says why, and
 * quotes no secret.
 */
extern BeRoute *be_route_read(BeMedium medium, const json_t *member,
							  char *error, size_t error_size);

extern BeRoute *be_route_share(BeRoute *route);

/* The last one wipes the secrets.  NULL is fine. */
extern void be_route_release(BeRoute *route);

#endif							/* BE_CARRIER_MESSAGE_ROUTE_H */
