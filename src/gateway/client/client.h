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
#ifndef BE_GATEWAY_CLIENT_CLIENT_H
#define BE_GATEWAY_CLIENT_CLIENT_H

#include "gateway/net/address.h"
#include "common/event/audience.h"
#include "gateway/wire/frame.h"
#include "gateway/main/gateway.h"
#include "gateway/wire/handshake.h"
#include "gateway/identity/identity.h"
#include "gateway/stream/subscription.h"
#include "common/pipe/bucket.h"

typedef enum BeClientState
{
	BE_CLIENT_HANDSHAKE,		/* the request's head is not complete */
	BE_CLIENT_SCRAPING,			/* asked for the metrics, which are on their way */
	BE_CLIENT_HTTP,				/* answered; the peer is to close */
	BE_CLIENT_WAITING,			/* to be admitted, and for the stream */
	BE_CLIENT_OPEN,
	BE_CLIENT_CLOSING			/* a close frame is sent or about to be */
} BeClientState;

typedef enum BeStanding
{
	BE_LIVE,
	BE_LAGGING,
	BE_PARKED
} BeStanding;

typedef struct BeClient
{
	BeSocket	socket;			/* first: the socket's callbacks lead here */
	BeGateway  *gateway;
	struct BeClient *prev;		/* of all */
	struct BeClient *next;
	uint8_t		state;			/* BeClientState */
	uint8_t		standing;		/* BeStanding */
	bool		muted;			/* unsubscribed: no stream at all */
	bool		conflates;		/* of each row the last state is enough, when lagging */
	bool		caught_up;		/* was near the tip once: client_lag_limit applies */
	bool		peer_closed;	/* its close frame came */
	bool		parted;			/* we are done with it and said so */
	bool		warned;			/* that its token ends soon */
	bool		ping_unanswered;
	bool		lingers;		/* deadline is the one for parting */

	/* Bytes */
	BeText		head;			/* of the request, while it comes */
	BeText		out;			/* answers that wait for room */
	BeReader	reader;

	/* Who */
	char		address[BE_ADDRESS_LEN];	/* empty until it is asked for */
	uint8_t		id[16];
	uint64_t	number;			/* for the dispatcher */
	int32_t		unread;			/* notifications when it was admitted; -1: not known */
	BeAsked    *asked;			/* while it waits to be admitted */
	bool		admitted;
	char	   *user_id;
	char	   *role;			/* the lower of the token's and the tables' */
	BeIdentity	identity;
	int64_t		expires_at;		/* seconds since 1970, as the token says */
	int64_t		ends_at;
	BePrincipals principals;
	BeMembership *membership;	/* one for each principal, one for admin */
	uint32_t	memberships;

	/* Where in the stream */
	BeSubscription *subscription;	/* NULL: everything */
	uint64_t	cursor;			/* unless live */
	BeWaiter	waiter;			/* while parked */
	uint64_t	batch;			/* the last one that was looked at */
	char	   *since;			/* while waiting: what was asked for */
	char	   *since_stream;
	uint64_t	held_until;		/* it may be ahead of us; loop time, 0: no */

	/* For the dispatcher's list */
	uint64_t	sent;			/* events */
	uint64_t	received;		/* messages */
	uint64_t	start;			/* its part of the stream begins behind this seq */
	uint64_t	reported_cursor;
	uint64_t	reported_received;
	bool		reported_lags;
	bool		interest_changed;	/* since it was told */
	uint32_t	told_interest;	/* its hash; 0: nothing was told */

	/* When; loop time, ms */
	uint64_t	heard_at;
	uint64_t	pinged_at;
	uint64_t	deadline;		/* of the handshake or the close; 0: none */
	BeBucket	bucket;
	uint32_t	refusals;		/* for its rate, beyond those that passed since */
	uint32_t	questions;		/* that wait for an answer */
} BeClient;

/* Where it comes from: what the request says through a trusted proxy, or the peer. */
extern const char *be_client_address(BeClient *client);

/* A descriptor was accepted. */
extern void be_client_accept(BeGateway *gateway, int fd);

/* Free those who are closed; between turns. */
extern void be_client_free_dead(BeGateway *gateway);

extern void be_client_received(BeSocket *socket, const char *data, size_t len);
extern void be_client_writable(BeSocket *socket);
extern void be_client_closed(BeSocket *socket);

/*
 * Write out what waits.  Called once all answers of a turn are appended to
 * client->out.
 */
extern void be_client_flush(BeClient *client);

/*
 * The one way to end a client: a close frame with this code and reason (an error
 * code of the protocol), then the connection.  What it was answered before still
 * goes out first.  Does nothing when it is ending already.
 */
extern void be_client_end(BeClient *client, int code, const char *reason);

/* The same, with an error message ahead of the close frame. */
extern void be_client_refuse(BeClient *client, int code, const char *error,
							 const char *message);

/*
 * Make the client what a token says: its name, role, expiry and groups.  Takes
 * what is in claims.
 */
extern void be_client_identify(BeClient *client, BeClaims *claims);

/*
 * Give it the role and the groups that its identity amounts to; the dispatcher is told
 * of another role.
 */
extern void be_client_regroup(BeClient *client);

/* Look at every client's clock: deadlines, pings, expiry. */
extern void be_client_tick(BeGateway *gateway);

#endif							/* BE_GATEWAY_CLIENT_CLIENT_H */
