/*
 * socket.h - connected sockets: the one place that knows libwebsockets.
 *
 * A socket takes bytes and brings bytes.  Its owner embeds a BevSocket and hands an
 * accepted descriptor over, which is held: nothing is read of it, and it costs next to
 * nothing.  When the peer has said enough for a step of work, the owner hears that it spoke, and
 * begins the socket at a time that suits it.  From then on it hears of three things: bytes
 * came, there is room again, it is closed.  Closed comes exactly once for each socket that
 * was held, and after it nothing comes any more.
 *
 *		write at once --> not choked: fine, write on
 *		              \-> choked: the library keeps the rest; write nothing
 *		                  until writable says that there is room
 *
 * Nothing is torn down within a callback: bev_socket_drop takes effect at the end
 * of the turn.
 */
#ifndef BEV_GATEWAY_NET_SOCKET_H
#define BEV_GATEWAY_NET_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct lws;
struct ssl_ctx_st;
typedef struct BevSockets BevSockets;

typedef struct BevSocket
{
	struct lws *wsi;        /* NULL: held, or closed */
	struct BevSocket *next; /* on the list of those to drop */
	bool dropped;
	bool paused;
	bool heard; /* a first byte came */
	bool held;
	bool tls;
	int fd; /* while it is held */
} BevSocket;

typedef struct BevSocketEvents
{
	/* It is held, and has a byte to be read, or with TLS a whole record: once or more often. */
	void (*spoke)(void *owner, BevSocket *socket);
	void (*received)(void *owner, BevSocket *socket, const char *data, size_t len);
	void (*writable)(void *owner, BevSocket *socket);
	void (*closed)(void *owner, BevSocket *socket);
	/* All that came in this turn was told: time for some of what was put off. */
	void (*work)(void *owner);
	/* The turn is over: free what is dead, end what is to end. */
	void (*turn_end)(void *owner);
	/* A line that the library had to say. */
	void (*complaint)(void *owner, const char *line);
} BevSocketEvents;

/* NULL: the library did not start. */
extern BevSockets *bev_sockets_create(uv_loop_t *loop, const BevSocketEvents *events, void *owner);

/*
 * Close all sockets (closed is called for each) and let the loop run until the
 * library is done.  All other handles of the loop must be closing already.
 */
extern void bev_sockets_destroy(BevSockets *sockets);

/*
 * The OpenSSL context of all sockets adopted with tls.  It has no certificate
 * until the caller gives it one (tls.h); a later one is for later sockets.
 */
extern struct ssl_ctx_st *bev_sockets_tls(const BevSockets *sockets);

/*
 * Take over a connected descriptor, and hold it; with tls the peer has to begin with a TLS
 * handshake.  False: the descriptor is closed, and the owner hears nothing more.
 */
extern bool bev_socket_hold(BevSockets *sockets, BevSocket *socket, int fd, bool tls);

/*
 * Go on with one that is held.  What the peer said is worked on within the call: received and
 * closed may come meanwhile.
 */
extern void bev_socket_begin(BevSockets *sockets, BevSocket *socket);

/* Let the loop come back to the end of a turn at once, or sleep again. */
extern void bev_sockets_hurry(BevSockets *sockets, bool hurry);

/* The peer's address as text; empty when it can't be had. */
extern void bev_socket_peer(const BevSocket *socket, char *text, size_t size);

/*
 * Write all of it, or let the library keep what the kernel does not take.  Not
 * to be called while choked.  False: the connection is broken; it is dropped.
 */
extern bool bev_socket_write(BevSockets *sockets, BevSocket *socket, const char *data, size_t len);

/* Does the library still hold bytes of the last write? */
extern bool bev_socket_is_choked(const BevSocket *socket);

/* For how long nothing came from the peer's kernel, in ms. */
extern uint64_t bev_socket_silence(const BevSocket *socket);

/* Ask for writable. */
extern void bev_socket_want_write(BevSocket *socket);

/* Stop or go on reading. */
extern void bev_socket_pause(BevSocket *socket, bool pause);

/* No more from us: the peer reads an end after what was written. */
extern void bev_socket_finish(BevSocket *socket);

/* Close it at the end of this turn, at once and without ceremony. */
extern void bev_socket_drop(BevSockets *sockets, BevSocket *socket);

#endif /* BEV_GATEWAY_NET_SOCKET_H */
