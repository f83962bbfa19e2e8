/*
 * socket.c - connected sockets: the one place that knows libwebsockets.
 *
 * Model: libwebsockets on our libuv loop carries bytes, plain or by TLS, keeps
 * what the kernel did not take of a write, and says when there is room.  Sockets
 * are adopted in its "raw" role; the WebSocket protocol itself is read and
 * written by our own code (handshake.c, frame_reader.c, frame.c), because the library's
 * role, at the version of Debian 12 (4.1.6):
 *	- refuses a Sec-WebSocket-Protocol header of more than 127 bytes, and a
 *	  browser has no other header to carry a token in;
 *	- accepts unmasked frames from clients and needless length forms;
 *	- has a use after free in the upgrade path (CVE-2025-11677), not patched;
 *	- holds 17 kB of header memory for each handshake under way.
 * What is on the wire for an event is the same either way: one send() of bytes
 * that were framed once.
 *
 * Concurrency: one thread.  Everything that ends a socket happens in the prepare
 * handle, after the callbacks of a turn and before the loop sleeps.
 *
 * Traps of the library that are stepped around here:
 *	- While it holds bytes back, the raw role returns from a readable event without
 *	  reading: a client that sends but does not read would spin the loop.  So a
 *	  choked socket is paused.
 *	- lws_set_timeout(LWS_TO_KILL_SYNC) is not allowed within a callback of the
 *	  same socket; hence the list.
 *	- One lws_context_destroy() alone leaks under a foreign loop.
 *	- A TLS record of which a part was read waits where the kernel does not announce
 *	  it.  So a read has room for a whole one.
 *	- It gives the peer some time for its TLS handshake and for a first word behind
 *	  it, and does not take that back for the raw role.  The deadline is the owner's
 *	  affair, so the library's is made long and ended by the first byte.
 */
#include "gateway/net/socket.h"
#include "common/program/memory.h"

#include <libwebsockets.h>
#include <netinet/in.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/*
 * The most that one lws_write hands to the kernel.  A larger event would be sent
 * in pieces of this, whatever is in the middle.
 */
#define WRITE_MAX (16 * 1024 * 1024)

/* The library's own deadline for TLS, in s: later than any connection_timeout. */
#define TLS_TIMEOUT (2 * 24 * 3600)

/* What is read at once, a record of TLS at least; shared by all sockets. */
#define READ_SIZE 16384

#define PROTOCOL_NAME "bugevents"

struct BevSockets
{
	uv_loop_t *loop;
	uv_prepare_t turn;
	struct lws_context *context;
	struct lws_vhost *vhost;
	SSL_CTX *tls; /* the library's */
	const BevSocketEvents *events;
	void *owner;
	BevSocket *to_drop;
};

/* The library's log function has no argument of ours. */
static BevSockets *the_sockets;

static void
hear(BevSocket *socket, const char *data, size_t len)
{
	if (!socket->heard)
	{
		socket->heard = true;
		lws_set_timeout(socket->wsi, NO_PENDING_TIMEOUT, 0);
	}
	the_sockets->events->received(the_sockets->owner, socket, data, len);
}

static int
on_library(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	BevSocket *socket = lws_get_opaque_user_data(wsi);

	if (reason == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS)
		the_sockets->tls = user; /* of the virtual host being made */
	if (socket == NULL)
		return 0;
	if (reason == LWS_CALLBACK_RAW_CLOSE)
		lws_set_opaque_user_data(wsi, NULL); /* it outlives the owner */
	if (socket->wsi != wsi)
		return 0; /* being adopted */
	switch (reason)
	{
		case LWS_CALLBACK_RAW_RX:
			if (!socket->dropped)
				hear(socket, in, len);
			break;
		case LWS_CALLBACK_RAW_WRITEABLE:
			if (socket->dropped)
				break;
			if (socket->paused && !lws_partial_buffered(wsi))
				bev_socket_pause(socket, false);
			the_sockets->events->writable(the_sockets->owner, socket);
			break;
		case LWS_CALLBACK_RAW_CLOSE:
			socket->wsi = NULL;
			if (!socket->dropped)
			{
				socket->dropped = true;
				the_sockets->events->closed(the_sockets->owner, socket);
			}
			break;
		default:
			break;
	}
	return 0;
}

static const struct lws_protocols protocols[] = {{
													 .name = PROTOCOL_NAME,
													 .callback = on_library,
													 .rx_buffer_size = READ_SIZE,
													 .tx_packet_size = WRITE_MAX,
												 },
                                                 {.name = NULL}};

static void
on_library_log(int level __attribute__((unused)), const char *line)
{
	if (the_sockets)
		the_sockets->events->complaint(the_sockets->owner, line);
}

/*
 * A socket on the list may be closed by the peer meanwhile: its wsi is NULL
 * then, and closed was not called since dropped was set.
 */
static void
drop_listed(BevSockets *sockets)
{
	while (sockets->to_drop)
	{
		BevSocket *socket = sockets->to_drop;
		struct lws *wsi = socket->wsi;

		sockets->to_drop = socket->next;
		if (wsi)
			lws_set_timeout(wsi, 1, LWS_TO_KILL_SYNC);
		sockets->events->closed(sockets->owner, socket);
	}
}

static void
on_turn(uv_prepare_t *turn)
{
	BevSockets *sockets = turn->data;

	sockets->events->turn_end(sockets->owner);
	drop_listed(sockets);
	sockets->events->turn_end(sockets->owner);
}

BevSockets *
bev_sockets_create(uv_loop_t *loop, const BevSocketEvents *events, void *owner)
{
	BevSockets *sockets = bev_alloc(sizeof(*sockets));
	struct lws_context_creation_info info = {0};
	void *loops[1] = {loop};

	sockets->loop = loop;
	sockets->events = events;
	sockets->owner = owner;
	the_sockets = sockets;
	lws_set_log_level(LLL_ERR, on_library_log);

	info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
	               LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX;
	info.foreign_loops = loops;
	info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
	info.protocols = protocols;
	info.pt_serv_buf_size = READ_SIZE;
	info.timeout_secs = TLS_TIMEOUT;
	/* Any fd_limit_per_thread makes the lookup of a descriptor a linear scan. */
	sockets->context = lws_create_context(&info);
	if (sockets->context)
		sockets->vhost = lws_create_vhost(sockets->context, &info);
	if (sockets->vhost == NULL)
	{
		free(sockets);
		the_sockets = NULL;
		return NULL;
	}
	uv_prepare_init(loop, &sockets->turn);
	sockets->turn.data = sockets;
	uv_prepare_start(&sockets->turn, on_turn);
	return sockets;
}

void
bev_sockets_destroy(BevSockets *sockets)
{
	struct lws_context *context = sockets->context;

	drop_listed(sockets);
	uv_prepare_stop(&sockets->turn);
	uv_close((uv_handle_t *) &sockets->turn, NULL);
	lws_context_destroy(context);
	uv_run(sockets->loop, UV_RUN_DEFAULT);
	lws_context_destroy(context);
	sockets->events->turn_end(sockets->owner);
	the_sockets = NULL;
	free(sockets);
}

SSL_CTX *
bev_sockets_tls(const BevSockets *sockets)
{
	return sockets->tls;
}

bool
bev_socket_adopt(BevSockets *sockets, BevSocket *socket, int fd, bool tls)
{
	lws_adopt_desc_t what = {
		.vh = sockets->vhost,
		.type = tls ? LWS_ADOPT_SOCKET | LWS_ADOPT_ALLOW_SSL : LWS_ADOPT_SOCKET,
		.fd.sockfd = fd,
		.vh_prot_name = PROTOCOL_NAME,
		.opaque = socket,
	};

	socket->wsi = lws_adopt_descriptor_vhost_via_info(&what);
	return socket->wsi != NULL;
}

bool
bev_socket_write(BevSockets *sockets, BevSocket *socket, const char *data, size_t len)
{
	int written;

	if (socket->wsi == NULL || socket->dropped)
		return false;
	/* The library takes the buffer as writable, but does not write to it. */
	written = lws_write(socket->wsi, (unsigned char *) data, len, LWS_WRITE_RAW);
	if (written < 0)
	{
		bev_socket_drop(sockets, socket);
		return false;
	}
	if (lws_partial_buffered(socket->wsi))
		bev_socket_pause(socket, true);
	return true;
}

bool
bev_socket_is_choked(const BevSocket *socket)
{
	return socket->wsi == NULL || socket->dropped || lws_partial_buffered(socket->wsi);
}

void
bev_socket_peer(const BevSocket *socket, char *text, size_t size)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);

	text[0] = '\0';
	if (socket->wsi == NULL ||
	    getpeername(lws_get_socket_fd(socket->wsi), (struct sockaddr *) &peer, &len) != 0)
		return;
	if (getnameinfo((struct sockaddr *) &peer, len, text, (socklen_t) size, NULL, 0,
	                NI_NUMERICHOST) != 0)
		text[0] = '\0';
}

uint64_t
bev_socket_silence(const BevSocket *socket)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	if (socket->wsi == NULL ||
	    getsockopt(lws_get_socket_fd(socket->wsi), IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
		return 0;
	return info.tcpi_last_ack_recv < info.tcpi_last_data_recv ? info.tcpi_last_ack_recv :
	                                                            info.tcpi_last_data_recv;
}

void
bev_socket_want_write(BevSocket *socket)
{
	if (socket->wsi && !socket->dropped)
		lws_callback_on_writable(socket->wsi);
}

void
bev_socket_pause(BevSocket *socket, bool pause)
{
	if (socket->wsi == NULL || socket->dropped || socket->paused == pause)
		return;
	socket->paused = pause;
	lws_rx_flow_control(socket->wsi, pause ? 0 : 1);
}

void
bev_socket_finish(BevSocket *socket)
{
	SSL *tls;

	if (socket->wsi == NULL || socket->dropped)
		return;
	tls = lws_get_ssl(socket->wsi);
	if (tls)
		SSL_shutdown(tls); /* the end must not look like a cut */
	shutdown(lws_get_socket_fd(socket->wsi), SHUT_WR);
}

void
bev_socket_drop(BevSockets *sockets, BevSocket *socket)
{
	if (socket->dropped)
		return;
	socket->dropped = true;
	socket->next = sockets->to_drop;
	sockets->to_drop = socket;
}
