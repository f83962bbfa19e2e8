/*
 * clients.h - the table of connected clients in shared memory.
 *
 * One slot per client, as pg_stat_activity has one per backend.  The dispatcher
 * is the only one that writes slots; sessions read them for the view
 * bugevents.connections, and may ask that a client be disconnected.
 */
#ifndef BEV_SERVER_SHARED_CLIENTS_H
#define BEV_SERVER_SHARED_CLIENTS_H

#include "postgres.h"

#include "server/base/shared_area.h"
#include "datatype/timestamp.h"
#include "common/pipe/message.h"
#include "common/pipe/packed_subscription.h"
#include "utils/jsonb.h"

#define BEV_CLIENT_ID_LEN      40 /* with the terminator */
#define BEV_CLIENT_USER_LEN    256
#define BEV_CLIENT_ROLE_LEN    64
#define BEV_CLIENT_ADDRESS_LEN 64
#define BEV_CLIENT_REASON_LEN  64

typedef struct BevConnection
{
	char id[BEV_CLIENT_ID_LEN];
	char user[BEV_CLIENT_USER_LEN];
	char role[BEV_CLIENT_ROLE_LEN];
	char address[BEV_CLIENT_ADDRESS_LEN];
	int gateway;
	TimestampTz connected_at;
	TimestampTz expires_at;
	uint64 start;    /* its part of the stream begins behind this seq */
	uint64 cursor;   /* it was sent everything up to this seq */
	uint64 sent;     /* events */
	uint64 received; /* messages */
	bool lags;       /* it can't take what there is for it */
	BevClientProtocol protocol;
	TimestampTz
		subscription_at; /* since when we know of it; 0: it has wanted everything all along */
	uint32 subscription_len;
	char subscription
		[BEV_PACKED_SUBSCRIPTION_TOLD]; /* what it wants (common/pipe/packed_subscription.h) */
} BevConnection;

extern const BevSharedArea bev_clients_area;

/* How many there can be: bugevents.max_connections. */
extern int bev_clients_capacity(void);

/* How many there are, and of them behind the end of the stream. */
extern int bev_clients_count(int *lagging);

/* For the dispatcher: forget all, put one into a free slot, change it, free it. */
extern void bev_clients_clear(void);
extern int bev_clients_add(const BevConnection *client); /* slot, or -1: full */
extern void bev_clients_update(int slot, uint64 start, uint64 cursor, uint64 sent, uint64 received,
                               bool lags);
extern void bev_clients_set_expiry(int slot, TimestampTz expires_at);
extern void bev_clients_set_protocol(int slot, BevClientProtocol protocol);
extern void bev_clients_set_role(int slot, const char *role);
extern void bev_clients_set_subscription(int slot, BevSpan subscription, TimestampTz at);
extern void bev_clients_remove(int slot);

/* A copy of a slot; false when it is free. */
extern bool bev_clients_get(int slot, BevConnection *client);

/* What it wants, in the form of a request to subscribe. */
extern Jsonb *bev_clients_subscription(const BevConnection *client);

/* Text of a gateway, which is UTF-8, as the database has it; ? for what it can't have. */
extern char *bev_clients_text(const char *utf8);

/*
 * Ask the dispatcher to disconnect a client; false when there is none with this
 * id.  bev_clients_next_disconnect: the dispatcher takes the next one, false when there
 * is no more.
 */
extern bool bev_clients_ask_disconnect(const char *id, const char *reason);
extern bool bev_clients_next_disconnect(int *slot, char *reason);

#endif /* BEV_SERVER_SHARED_CLIENTS_H */
