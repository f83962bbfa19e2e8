/*
 * listener.h - the listening sockets.
 *
 * Opens exactly the wanted addresses, each in its own family, and shares the
 * port with other gateways (SO_REUSEPORT).  When it can't, it keeps what it had,
 * says why and tries again each second.
 */
#ifndef BE_GATEWAY_NET_LISTENER_H
#define BE_GATEWAY_NET_LISTENER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <uv.h>

#define BE_LISTEN_MAX		32	/* addresses */

typedef struct BeListenerEvents
{
	/* fd is the owner's now. */
	void		(*accepted) (void *owner, int fd);
	/* These ports are open now: "127.0.0.1:8432 [::1]:8432". */
	void		(*listening) (void *owner, const char *addresses);
	/* Some or all are not, and why; NULL: all are. */
	void		(*status) (void *owner, const char *why);
} BeListenerEvents;

typedef struct BeListener BeListener;

extern BeListener *be_listener_create(uv_loop_t *loop,
									  const BeListenerEvents *events, void *owner);

typedef struct BePlace
{
	const char *addresses;		/* numeric, localhost or *; commas between them */
	uint16_t	port;
	bool		only_loopback;	/* refuse all other addresses */
} BePlace;

/*
 * Listen there from now on.  The old sockets are closed once the new ones are
 * open; when it is the place where it listens already, nothing happens.
 */
extern void be_listener_place(BeListener *listener, const BePlace *place);

/* Close them all and take no more connections; the loop must run once more. */
extern void be_listener_free(BeListener *listener);

#endif							/* BE_GATEWAY_NET_LISTENER_H */
