/*
 * fleet.h - many WebSocket clients in one process, on one epoll.
 *
 * A client is READY when the server's first message, {"type":"connection",...},
 * has come.  From then on each message about a bug report counts as a delivery.
 *
 * The fleet's epoll may watch other descriptors too (the source of the events,
 * the commands): fleet_watch.
 */
#ifndef BENCH_FLEET_H
#define BENCH_FLEET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "frames.h"
#include "wire.h"

typedef enum ClientState
{
	CLIENT_CLOSED,
	CLIENT_CONNECTING,
	CLIENT_SHAKING,				/* of TLS */
	CLIENT_UPGRADING,
	CLIENT_READY
} ClientState;

typedef struct Fleet Fleet;

typedef struct Client
{
	Fleet	   *fleet;
	Wire		wire;
	int			number;			/* in the fleet, from 0 */
	ClientState state;
	uint64_t	received;		/* deliveries since fleet_reset */
	uint64_t	seq;			/* of the last delivery, if the server numbers them */
	Frames		frames;
} Client;

struct Fleet
{
	int			epoll;
	struct sockaddr_in address;
	struct ssl_ctx_st *tls;		/* NULL: plain */
	char		host[64];
	const char *secret;			/* signs the tokens; none: no token is sent */
	size_t		secret_len;
	uint64_t	since;			/* to resume from; 0: don't */
	char		stream[40];		/* as the server's "ready" told it */
	int			size;			/* clients there is room for */
	Client	   *clients;

	/* Of now. */
	int			open;
	int			ready;

	/* Since fleet_reset. */
	uint64_t	deliveries;
	uint64_t	bytes;			/* read */
	uint64_t	disorder;		/* deliveries whose seq did not ascend */
	uint64_t	resyncs;		/* resync_required */
	uint64_t	lost;			/* connections that the server ended */
	double		first;			/* time of the first delivery */
	double		last;			/* and of the last one */
	void		(*on_delivery) (void *arg, double now);	/* may be NULL */
	void	   *on_delivery_arg;
};

/* Seconds of the monotonic clock. */
extern double fleet_now(void);

/* url is host:port, the host a dotted address; tls:host:port for TLS. */
extern void fleet_init(Fleet *fleet, const char *url, int size);

/* Start to connect clients [from, upto), all at once. */
extern void fleet_connect(Fleet *fleet, int from, int upto);

/* Break all connections off, as a network does that goes away. */
extern void fleet_drop(Fleet *fleet);

extern void fleet_reset(Fleet *fleet);

/* The greatest seq that any client has seen. */
extern uint64_t fleet_seq(const Fleet *fleet);

typedef void (*WatchCallback) (void *arg);

/* Call back when fd is readable.  For the life of the fleet. */
extern void fleet_watch(Fleet *fleet, int fd, WatchCallback callback, void *arg);

/* Wait for what comes, at most so long, and take it. */
extern void fleet_turn(Fleet *fleet, double seconds);

#endif							/* BENCH_FLEET_H */
