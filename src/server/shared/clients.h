/*
 * clients.h - the table of connected clients in shared memory.
 *
 * One slot per client, as pg_stat_activity has one per backend.  The dispatcher
 * is the only one that writes slots; sessions read them for the view
 * bugevents.connections, and may leave the wish that a client be disconnected.
 */
#ifndef BE_SERVER_SHARED_CLIENTS_H
#define BE_SERVER_SHARED_CLIENTS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "common/pipe/packed_subscription.h"
#include "utils/jsonb.h"

#define BE_CLIENT_ID_LEN		40	/* with the terminator */
#define BE_CLIENT_USER_LEN		256
#define BE_CLIENT_ROLE_LEN		64
#define BE_CLIENT_ADDRESS_LEN	64
#define BE_CLIENT_REASON_LEN	64

typedef struct BeClient
{
	char		id[BE_CLIENT_ID_LEN];
	char		user[BE_CLIENT_USER_LEN];
	char		role[BE_CLIENT_ROLE_LEN];
	char		address[BE_CLIENT_ADDRESS_LEN];
	int			gateway;
	TimestampTz connected_at;
	TimestampTz expires_at;
	uint64		start;			/* its part of the stream begins behind this seq */
	uint64		cursor;			/* it was sent everything up to this seq */
	uint64		sent;			/* events */
	uint64		received;		/* messages */
	bool		lags;			/* it can't take what there is for it */
	TimestampTz interest_at;	/* since when we know of its interest; 0: it has all along */
	uint32		interest_len;
	char		interest[BE_INTEREST_MAX];	/* what it wants (common/pipe/packed_subscription.h) */
} BeClient;

extern void be_clients_request(void);
extern void be_clients_startup(void);

/* How many there can be: bugevents.max_connections. */
extern int	be_clients_capacity(void);

/* For the dispatcher: forget all, put one into a free slot, change it, free it. */
extern void be_clients_clear(void);
extern int	be_clients_add(const BeClient *client); /* slot, or -1: full */
extern void be_clients_update(int slot, uint64 start, uint64 cursor, uint64 sent,
							  uint64 received, TimestampTz expires_at, bool lags);
extern void be_clients_set_role(int slot, const char *role);
extern void be_clients_set_interest(int slot, BeSpan interest, TimestampTz at);
extern void be_clients_remove(int slot);

/* A copy of a slot; false when it is free. */
extern bool be_clients_get(int slot, BeClient *client);

/* What it wants, in the form of a request to subscribe. */
extern Jsonb *be_clients_subscription(const BeClient *client);

/* Text of a gateway, which is UTF-8, as the database has it; ? for what it can't have. */
extern char *be_clients_text(const char *utf8);

/*
 * Ask the dispatcher to disconnect a client; false when there is none with this
 * id.  be_clients_next_wish: the dispatcher takes the next one, false when there
 * is no more.
 */
extern bool be_clients_wish(const char *id, const char *reason);
extern bool be_clients_next_wish(int *slot, char *reason);

#endif							/* BE_SERVER_SHARED_CLIENTS_H */
