/*
 * socket.h - connected sockets: the one place that knows libwebsockets.
 *
 * A socket takes bytes and brings bytes.  Its owner embeds a BeSocket, hands an
 * accepted descriptor over, and hears of three things: bytes came, there is room
 * again, it is closed.  After closed, which comes exactly once for each socket
 * that was adopted, nothing comes any more.
 *
 *		write at once --> not choked: fine, write on
 *		              \-> choked: the library keeps the rest; write nothing
 *		                  until writable says that there is room
 *
 * Nothing is torn down within a callback: be_socket_drop takes effect at the end
 * of the turn.
 */
#ifndef BE_GATEWAY_NET_SOCKET_H
#define BE_GATEWAY_NET_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct lws;
struct ssl_ctx_st;
typedef struct BeSockets BeSockets;

typedef struct BeSocket
{
	struct lws *wsi;			/* NULL: not adopted, or closed */
	struct BeSocket *next;		/* on the list of those to drop */
	bool		dropped;
	bool		paused;
	bool		heard;			/* a first byte came */
} BeSocket;

typedef struct BeSocketEvents
{
	void		(*received) (BeSocket *socket, const char *data, size_t len);
	void		(*writable) (BeSocket *socket);
	void		(*closed) (BeSocket *socket);
	/* The turn is over: free what is dead, end what is to end. */
	void		(*turn_end) (void *owner);
	/* A line that the library had to say. */
	void		(*complaint) (void *owner, const char *line);
} BeSocketEvents;

/* NULL: the library did not start. */
extern BeSockets *be_sockets_create(uv_loop_t *loop,
									const BeSocketEvents *events, void *owner);

/*
 * Close all sockets (closed is called for each) and let the loop run until the
 * library is done.  All other handles of the loop must be closing already.
 */
extern void be_sockets_destroy(BeSockets *sockets);

/*
 * The OpenSSL context of all sockets adopted with tls.  It has no certificate
 * until the caller gives it one (tls.h); a later one is for later sockets.
 */
extern struct ssl_ctx_st *be_sockets_tls(const BeSockets *sockets);

/*
 * Take over a connected descriptor; with tls the peer has to begin with a TLS
 * handshake.  False: the descriptor is closed, and the owner hears nothing more.
 */
extern bool be_socket_adopt(BeSockets *sockets, BeSocket *socket, int fd, bool tls);

/* The peer's address as text; empty when it can't be had. */
extern void be_socket_peer(const BeSocket *socket, char *text, size_t size);

/*
 * Write all of it, or let the library keep what the kernel does not take.  Not
 * to be called while choked.  False: the connection is broken; it is dropped.
 */
extern bool be_socket_write(BeSockets *sockets, BeSocket *socket,
							const char *data, size_t len);

/* Does the library still hold bytes of the last write? */
extern bool be_socket_is_choked(const BeSocket *socket);

/* For how long nothing came from the peer's kernel, in ms. */
extern uint64_t be_socket_silence(const BeSocket *socket);

/* Ask for writable. */
extern void be_socket_want_write(BeSocket *socket);

/* Stop or go on reading. */
extern void be_socket_pause(BeSocket *socket, bool pause);

/* No more from us: the peer reads an end after what was written. */
extern void be_socket_finish(BeSocket *socket);

/* Close it at the end of this turn, at once and without ceremony. */
extern void be_socket_drop(BeSockets *sockets, BeSocket *socket);

#endif							/* BE_GATEWAY_NET_SOCKET_H */
