/*
 * arrival.c - who comes: how many may be there without a good token, and whose turn it is.
 *
 * Model: a connection is its address's until it showed a good token (startup.h).  There may be
 * max_unauthenticated_per_address of an address and max_unauthenticated_connections in all;
 * beyond, somebody is dropped for the newcomer, of the same address or of one that has many: who
 * waits for its peer longest, and not who waits for us as long as there are others.  So who holds
 * sockets loses them, and who says what it has to say is gone from here within a round trip or
 * two.  This machine and trusted proxies stand for many and have no share of their own; they are
 * bounded by what there may be in all, which is as many as come back at once when a gateway ended.
 *
 * What a newcomer causes is put off to the end of a turn (client.c), and done in the order of
 * startup.h, so that what comes from one address doesn't hold up what comes from another.
 *
 * Memory: what a flood took is given back when it is over; that of half requests for the most
 * part, since one that said nothing yet, or less than a first record of TLS, takes less than a
 * kilobyte (socket.c).
 *
 * Failure: whoever is dropped is counted, logged and noted as too_many_unauthenticated.
 */
#include "gateway/client/arrival.h"
#include "common/pipe/body.h"
#include "common/program/memory.h"

#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * An address has so many TLS handshakes for each request that handshake_rate lets it make: those
 * beyond the rate are told by the second one, and the rest are closed without any.
 */
#define HELLO_SHARE 2

/* A flood has so many at once; memory is given back so often at most. */
#define TRIM_MIN 32
#define TRIM_MS  5000

/*
 * Sockets that may be open besides: those of clients that are let in, and some that are just
 * ending.
 */
static uint32_t
socket_limit(const BevConfig *config)
{
	return config->max_connections + config->max_connections / 10 + 64 +
	       config->max_unauthenticated_connections;
}

/* Does it stand for many others? */
static bool
has_no_share(const BevArrivals *arrivals, const char *address)
{
	return bev_address_is_loopback(address) ||
	       bev_address_listed(address, arrivals->config->trusted_proxies);
}

static void
drop(BevArrivals *arrivals, BevStartup *startup)
{
	BevClient *client = bev_client_of_startup(startup);

	bev_startups_remove(arrivals->startups, startup);
	bev_session_abuse(&client->session, BEV_COUNT_ABUSE_too_many_unauthenticated);
	bev_session_drop(&client->session);
}

static void
make_room(BevArrivals *arrivals, BevClient *client, const char *address)
{
	const BevConfig *config = arrivals->config;
	BevStartups *startups = arrivals->startups;

	if (bev_startups_count_alike(&client->startup) > config->max_unauthenticated_per_address &&
	    !has_no_share(arrivals, address))
		drop(arrivals, bev_startups_least_alike(&client->startup));
	/* More than one, when the limit was lowered. */
	while (bev_startups_count(startups) > config->max_unauthenticated_connections)
		drop(arrivals, bev_startups_least_of_many(startups, &client->startup));
}

void
bev_arrival_accept(BevArrivals *arrivals, int fd)
{
	BevSessions *sessions = arrivals->sessions;
	const BevConfig *config = arrivals->config;
	char address[BEV_ADDRESS_LEN];
	BevClient *client;

	if (sessions->count >= socket_limit(config) || sessions->shutting_down)
	{
		close(fd);
		return;
	}
	client = bev_alloc(sizeof(*client));
	client->heard_at = uv_now(sessions->loop);
	client->session.deadline = client->heard_at + config->connection_timeout;
	if (!bev_socket_hold(sessions->sockets, &client->session.socket, fd, config->tls))
	{
		free(client);
		return;
	}
	bev_session_begin(&client->session, sessions);
	bev_socket_peer(&client->session.socket, address, sizeof(address));
	bev_startups_add(arrivals->startups, &client->startup, address);
	make_room(arrivals, client, address);
	if (bev_startups_count(arrivals->startups) > arrivals->most)
		arrivals->most = bev_startups_count(arrivals->startups);
}

void
bev_arrival_set_ready(BevArrivals *arrivals, BevClient *client)
{
	if (client->startup.peer)
		bev_startups_set_ready(arrivals->startups, &client->startup);
}

BevClient *
bev_arrival_next(BevArrivals *arrivals)
{
	BevStartup *startup = bev_startups_next_ready(arrivals->startups);

	return startup ? bev_client_of_startup(startup) : NULL;
}

static uint32_t
hello_rate(const BevConfig *config)
{
	return config->handshake_rate * HELLO_SHARE;
}

bool
bev_arrival_may_begin(BevArrivals *arrivals, BevClient *client)
{
	BevSession *session = &client->session;
	char address[BEV_ADDRESS_LEN];

	bev_socket_peer(&session->socket, address, sizeof(address));
	if (!session->socket.tls || has_no_share(arrivals, address) ||
	    bev_addresses_take(arrivals->addresses, address, BEV_SPENT_HELLO,
	                       hello_rate(arrivals->config), bev_session_now(session)) == 0)
		return true;
	bev_session_abuse(session, BEV_COUNT_ABUSE_too_many_handshakes);
	bev_session_drop(session);
	return false;
}

bool
bev_arrival_spent_elsewhere(BevArrivals *arrivals, const BevMessage *message)
{
	const BevConfig *config = arrivals->config;
	const uint32_t rate[BEV_SPENT_KINDS] = {
		[BEV_SPENT_HELLO] = hello_rate(config),
		[BEV_SPENT_HANDSHAKE] = config->handshake_rate,
		[BEV_SPENT_FAILURE] = config->auth_failure_rate,
	};
	BevSpentMessage spent;

	if (!bev_body_read(message, &spent, sizeof(spent), NULL))
		return false;
	bev_addresses_spend(arrivals->addresses, &spent, rate[spent.kind],
	                    uv_now(arrivals->sessions->loop));
	return true;
}

/*
 * The C library keeps what is freed, unless it lies at the end of the heap.  To look at all of it
 * takes some milliseconds, so it is done after a flood and not within one.
 */
void
bev_arrival_tick(BevArrivals *arrivals)
{
	uint32_t count = bev_startups_count(arrivals->startups);
	uint64_t now = uv_now(arrivals->sessions->loop);

	if (arrivals->most < TRIM_MIN || count > arrivals->most / 4 ||
	    now - arrivals->trimmed_at < TRIM_MS)
		return;
	malloc_trim(0);
	arrivals->trimmed_at = now;
	arrivals->most = count;
}

void
bev_arrival_forget(BevArrivals *arrivals, BevClient *client)
{
	bev_startups_remove(arrivals->startups, &client->startup);
}
