/*
 * client.h - one connection, from its first byte to its last.
 */
#ifndef BEV_GATEWAY_CLIENT_CLIENT_H
#define BEV_GATEWAY_CLIENT_CLIENT_H

#include "gateway/client/arrival.h"
#include "gateway/client/client_message.h"
#include "gateway/client/upgrade.h"

typedef struct BevClients
{
	const BevConfig *config;
	BevSessions *sessions; /* each is a client's */
	BevFanout *fanout;
	BevRegistrations *registrations;
	BevQuestions *questions;
	BevArrivals *arrivals;
	const BevUpgrade *upgrade;
	const BevClientMessages *messages;
	uint32_t held; /* clients that are ahead of the stream */
} BevClients;

/* What its socket brings. */
extern void bev_client_spoke(BevClients *clients, BevSocket *socket);
extern void bev_client_received(BevClients *clients, BevSocket *socket, const char *data,
                                size_t len);
extern void bev_client_writable(BevClients *clients, BevSocket *socket);
extern void bev_client_closed(BevSocket *socket);

/* KNOWN: it is no stranger any more.  False: malformed. */
extern bool bev_clients_known(BevClients *clients, const BevMessage *message);

/* ADMIT.  False: it answers nothing that was asked, or is malformed. */
extern bool bev_clients_admit(BevClients *clients, const BevMessage *message);

/* The stream begins: those who were admitted without it are looked up again. */
extern void bev_clients_stream_began(BevClients *clients);

/* Look again at those who are ahead of the stream. */
extern void bev_clients_look_at_held(BevClients *clients);

/* Look at every client's clock: deadlines, pings, expiry. */
extern void bev_clients_tick(BevClients *clients);

/* No more connections, and the end of those that there are. */
extern void bev_clients_shut_down(BevClients *clients);

/*
 * Do of what newcomers wait for as much as may be done in a turn: their first words, the answers
 * to their requests.
 */
extern void bev_clients_work(BevClients *clients);

/* The turn is over: let go of those who ended, and free those who are closed. */
extern void bev_clients_end_turn(BevClients *clients);

#endif /* BEV_GATEWAY_CLIENT_CLIENT_H */
