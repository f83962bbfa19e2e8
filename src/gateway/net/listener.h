/*
 * listener.h - the listening sockets.
 *
 * Opens exactly the wanted addresses, each in its own family, and shares the
 * port with other gateways (SO_REUSEPORT).  When it can't, it keeps what it had,
 * says why and tries again each second.
 */
#ifndef BEV_GATEWAY_NET_LISTENER_H
#define BEV_GATEWAY_NET_LISTENER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <uv.h>

#define BEV_LISTEN_MAX 32 /* addresses */

typedef struct BevListenerEvents
{
	/* fd is the owner's now. */
	void (*accepted)(void *owner, int fd);
	/* These ports are open now: "127.0.0.1:8432 [::1]:8432". */
	void (*listening)(void *owner, const char *addresses);
	/* Some or all are not, and why; NULL: all are. */
	void (*status)(void *owner, const char *why);
} BevListenerEvents;

typedef struct BevListener BevListener;

extern BevListener *bev_listener_create(uv_loop_t *loop, const BevListenerEvents *events,
                                        void *owner);

typedef struct BevPlace
{
	const char *addresses; /* numeric, localhost or *; commas between them */
	uint16_t port;
	bool only_loopback; /* refuse all other addresses */
} BevPlace;

/*
 * Listen there from now on.  The old sockets are closed once the new ones are
 * open; when it is the place where it listens already, nothing happens.
 */
extern void bev_listener_place(BevListener *listener, const BevPlace *place);

/* Close them all and take no more connections; the loop must run once more. */
extern void bev_listener_free(BevListener *listener);

#endif /* BEV_GATEWAY_NET_LISTENER_H */
