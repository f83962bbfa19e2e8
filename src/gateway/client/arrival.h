/*
 * arrival.h - who comes: how many may be there without a good token, and whose turn it is.
 */
#ifndef BEV_GATEWAY_CLIENT_ARRIVAL_H
#define BEV_GATEWAY_CLIENT_ARRIVAL_H

#include "gateway/client/connection.h"
#include "gateway/config/config.h"
#include "gateway/net/address.h"

typedef struct BevArrivals
{
	const BevConfig *config;
	BevSessions *sessions;
	BevAddresses *addresses;
	BevStartups *startups;
	uint32_t most;       /* that there were since memory was given back */
	uint64_t trimmed_at; /* loop time */
} BevArrivals;

/* A descriptor was accepted: it becomes a client, or another one has to go for it. */
extern void bev_arrival_accept(BevArrivals *arrivals, int fd);

/* The client has work to be done (connection.h), and waits for its turn. */
extern void bev_arrival_set_ready(BevArrivals *arrivals, BevClient *client);

/* Whose turn it is; NULL: nobody has work. */
extern BevClient *bev_arrival_next(BevArrivals *arrivals);

/*
 * Is a TLS handshake made with it?  If its address had too many of late it isn't, and the client
 * is dropped.
 */
extern bool bev_arrival_may_begin(BevArrivals *arrivals, BevClient *client);

/* SPENT_ELSEWHERE.  False: it is malformed. */
extern bool bev_arrival_spent_elsewhere(BevArrivals *arrivals, const BevMessage *message);

/* About once a second: give memory back after a flood. */
extern void bev_arrival_tick(BevArrivals *arrivals);

/* It goes, or showed a good token. */
extern void bev_arrival_forget(BevArrivals *arrivals, BevClient *client);

#endif /* BEV_GATEWAY_CLIENT_ARRIVAL_H */
