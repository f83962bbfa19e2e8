/*
 * client.h - one connection, from its first byte to its last.
 *
 *	HANDSHAKE --> WAITING --> OPEN --> CLOSING --> (closed)
 *	    |  \_______________________________/^
 *	    \--> HTTP --> (closed)
 *
 * An open client stands somewhere in the stream:
 *	LIVE      has everything up to the last batch, and takes the next one as it
 *	          comes; it has no cursor to move
 *	LAGGING   has everything up to its cursor, and goes on when there is room
 *	PARKED    the same, but what follows the cursor must be fetched first
 *
 * What is owed to a client that reads slowly is a position, not a queue.  Only
 * answers of its own wait in memory, few of them: a client that does not read is
 * not read from.
 */
#ifndef BEV_GATEWAY_CLIENT_CLIENT_H
#define BEV_GATEWAY_CLIENT_CLIENT_H

#include "gateway/net/address.h"
#include "gateway/identity/principals.h"
#include "gateway/wire/frame.h"
#include "gateway/wire/frame_reader.h"
#include "gateway/main/gateway.h"
#include "gateway/wire/handshake.h"
#include "gateway/identity/identity.h"
#include "gateway/stream/subscription.h"
#include "common/pipe/bucket.h"

typedef enum BevClientState
{
	BEV_CLIENT_HANDSHAKE, /* the request's head is not complete */
	BEV_CLIENT_SCRAPING,  /* asked for the metrics, which are on their way */
	BEV_CLIENT_HTTP,      /* answered; the peer is to close */
	BEV_CLIENT_WAITING,   /* to be admitted, and for the stream */
	BEV_CLIENT_OPEN,
	BEV_CLIENT_CLOSING /* a close frame is sent or about to be */
} BevClientState;

typedef enum BevStanding
{
	BEV_LIVE,
	BEV_LAGGING,
	BEV_PARKED
} BevStanding;

typedef struct BevClient
{
	BevSocket socket; /* first: the socket's callbacks lead here */
	BevGateway *gateway;
	struct BevClient *prev; /* of all */
	struct BevClient *next;
	uint8_t state;    /* BevClientState */
	uint8_t standing; /* BevStanding */
	bool muted;       /* unsubscribed: no stream at all */
	bool conflates;   /* of each row the last state is enough, when lagging */
	bool caught_up;   /* was near the tip once: client_lag_limit applies */
	bool peer_closed; /* its close frame came */
	bool parted;      /* we are done with it and said so */
	bool warned;      /* that its token ends soon */
	bool ping_unanswered;
	bool lingers; /* deadline is the one for parting */

	/* Bytes */
	BevText head; /* of the request, while it comes */
	BevText out;  /* answers that wait for room */
	BevFrameReader reader;

	/* Who */
	char address[BEV_ADDRESS_LEN]; /* empty until it is asked for */
	uint8_t id[16];
	uint64_t number; /* for the dispatcher */
	int32_t unread;  /* notifications when it was admitted; -1: not known */
	BevAsked *asked; /* while it waits to be admitted */
	bool admitted;
	char *user_id;
	char *role; /* the lower of the token's and the tables' */
	BevIdentity identity;
	int64_t expires_at; /* seconds since 1970, as the token says */
	int64_t ends_at;
	BevPrincipals principals;
	BevMembership *membership; /* one for each principal, one for admin */
	uint32_t memberships;

	/* Where in the stream */
	BevSubscription *subscription; /* NULL: everything */
	uint64_t cursor;               /* unless live */
	BevWaiter waiter;              /* while parked */
	uint64_t batch;                /* the last one that was looked at */
	char *since;                   /* while waiting: what was asked for */
	char *since_stream;
	uint64_t held_until; /* it may be ahead of us; loop time, 0: no */

	/* For the dispatcher's list */
	uint64_t sent;     /* events */
	uint64_t received; /* messages */
	uint64_t start;    /* its part of the stream begins behind this seq */
	uint64_t reported_cursor;
	uint64_t reported_received;
	bool reported_lags;
	bool subscription_changed;  /* since it was told */
	uint32_t told_subscription; /* its hash; 0: nothing was told */

	/* When; loop time, ms */
	uint64_t heard_at;
	uint64_t pinged_at;
	uint64_t deadline; /* of the handshake or the close; 0: none */
	BevBucket bucket;
	uint32_t refusals;  /* for its rate, beyond those that passed since */
	uint32_t questions; /* that wait for an answer */
} BevClient;

/* Where it comes from: what the request says through a trusted proxy, or the peer. */
extern const char *bev_client_address(BevClient *client);

/* A descriptor was accepted. */
extern void bev_client_accept(BevGateway *gateway, int fd);

/* Free those who are closed; between turns. */
extern void bev_client_free_dead(BevGateway *gateway);

extern void bev_client_received(BevSocket *socket, const char *data, size_t len);
extern void bev_client_writable(BevSocket *socket);
extern void bev_client_closed(BevSocket *socket);

/*
 * Write out what waits.  Called once all answers of a turn are appended to
 * client->out.
 */
extern void bev_client_flush(BevClient *client);

/*
 * The one way to end a client: a close frame with this code and reason (an error
 * code of the protocol), then the connection.  What it was answered before still
 * goes out first.  Does nothing when it is ending already.
 */
extern void bev_client_end(BevClient *client, int code, const char *reason);

/* The same, with an error message ahead of the close frame. */
extern void bev_client_refuse(BevClient *client, int code, const char *error, const char *message);

/*
 * Make the client what a token says: its name, role, expiry and groups.  Takes
 * what is in claims.
 */
extern void bev_client_identify(BevClient *client, BevClaims *claims);

/*
 * Give it the role and the groups that its identity amounts to; the dispatcher is told
 * of another role.
 */
extern void bev_client_regroup(BevClient *client);

/* Look at every client's clock: deadlines, pings, expiry. */
extern void bev_client_tick(BevGateway *gateway);

#endif /* BEV_GATEWAY_CLIENT_CLIENT_H */
