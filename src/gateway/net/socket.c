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
 * Before that a socket is held: a descriptor in an epoll set of our own, which the loop watches as
 * one.  It reports edges, so bytes that lie there unread wake nobody again; they are looked
 * at (MSG_PEEK), not taken.  With TLS a first record is waited for as a whole, since that is
 * what a handshake's costly step is made of: who sends less costs the kernel some memory and us a
 * look for each packet, and the step can be made when it is convenient.
 *
 * Memory: libwebsockets, libuv and OpenSSL take some 40 kB of a TLS connection in its handshake, a
 * kilobyte of a plain one, and none of one that is held.
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
#include "gateway/net/tls.h"

#include <errno.h>
#include <libwebsockets.h>
#include <netinet/in.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * The most that one lws_write hands to the kernel.  A larger event would be sent
 * in pieces of this, whatever is in the middle.
 */
#define WRITE_MAX (16 * 1024 * 1024)

/* The library's own deadline for TLS, in s: later than any connection_timeout. */
#define TLS_TIMEOUT (2 * 24 * 3600)

/* What is read at once, a record of TLS at least; shared by all sockets. */
#define READ_SIZE 16384

/* A TLS record: type, version, length, and what the length says. */
#define RECORD_HEAD      5
#define RECORD_HANDSHAKE 22
#define RECORD_MAX       16384

/* Those held of which the kernel says something that are looked at in a turn. */
#define SPOKE_BATCH 64

#define PROTOCOL_NAME "bugevents"

struct BevSockets
{
	uv_loop_t *loop;
	uv_prepare_t turn;
	uv_idle_t hurry; /* while it is active the loop does not wait */
	uv_poll_t poll;  /* of those that are held */
	int held;        /* their epoll set */
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

/* ---- Being held ---- */

/* Is there enough of it to go on?  -1: it is gone, or has said its last and that isn't enough. */
static int
has_spoken(const BevSocket *socket, bool ended)
{
	static char data[RECORD_HEAD + RECORD_MAX];
	ssize_t n = recv(socket->fd, data, socket->tls ? sizeof(data) : 1, MSG_PEEK);
	ssize_t record;

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
	if (!socket->tls || data[0] != RECORD_HANDSHAKE)
		return 1;
	if (n < RECORD_HEAD)
		return ended ? -1 : 0;
	record = RECORD_HEAD + ((unsigned char) data[3] << 8 | (unsigned char) data[4]);
	return n >= record || record > (ssize_t) sizeof(data) ? 1 : ended ? -1 : 0;
}

static void
on_held(uv_poll_t *poll, int status __attribute__((unused)), int flags __attribute__((unused)))
{
	BevSockets *sockets = poll->data;
	struct epoll_event event[SPOKE_BATCH];
	int n = epoll_wait(sockets->held, event, SPOKE_BATCH, 0);

	for (int i = 0; i < n; i++)
	{
		BevSocket *socket = event[i].data.ptr;
		bool ended = event[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
		int spoken = socket->dropped ? 0 : has_spoken(socket, ended);

		if (spoken > 0)
			sockets->events->spoke(sockets->owner, socket);
		else if (spoken < 0)
			bev_socket_drop(sockets, socket);
	}
}

bool
bev_socket_hold(BevSockets *sockets, BevSocket *socket, int fd, bool tls)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = socket};

	if (epoll_ctl(sockets->held, EPOLL_CTL_ADD, fd, &event) != 0)
	{
		close(fd);
		return false;
	}
	socket->fd = fd;
	socket->tls = tls;
	socket->held = true;
	return true;
}

/* Its descriptor, which is held no more. */
static int
release(BevSockets *sockets, BevSocket *socket)
{
	struct epoll_event none = {0};

	socket->held = false;
	epoll_ctl(sockets->held, EPOLL_CTL_DEL, socket->fd, &none);
	return socket->fd;
}

/* Closed before the library had it. */
static void
fail_to_begin(BevSockets *sockets, BevSocket *socket)
{
	socket->dropped = true;
	sockets->events->closed(sockets->owner, socket);
}

void
bev_socket_begin(BevSockets *sockets, BevSocket *socket)
{
	lws_adopt_desc_t what = {
		.vh = sockets->vhost,
		.type = socket->tls ? LWS_ADOPT_SOCKET | LWS_ADOPT_ALLOW_SSL : LWS_ADOPT_SOCKET,
		.vh_prot_name = PROTOCOL_NAME,
		.opaque = socket,
	};
	struct lws_pollfd readable = {.events = LWS_POLLIN, .revents = LWS_POLLIN};

	if (!socket->held || socket->dropped)
		return;
	bev_tls_plan_step();
	readable.fd = what.fd.sockfd = release(sockets, socket);
	socket->wsi = lws_adopt_descriptor_vhost_via_info(&what);
	if (socket->wsi == NULL)
		fail_to_begin(sockets, socket);
	else
		lws_service_fd(sockets->context, &readable);
}

/* It is there for the loop's sake. */
static void
on_hurry(uv_idle_t *hurry __attribute__((unused)))
{
}

void
bev_sockets_hurry(BevSockets *sockets, bool hurry)
{
	if (hurry)
		uv_idle_start(&sockets->hurry, on_hurry);
	else
		uv_idle_stop(&sockets->hurry);
}

/* ---- The end of a turn ---- */

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
		if (socket->held)
			close(release(sockets, socket));
		if (wsi)
			lws_set_timeout(wsi, 1, LWS_TO_KILL_SYNC);
		sockets->events->closed(sockets->owner, socket);
	}
}

static void
on_turn(uv_prepare_t *turn)
{
	BevSockets *sockets = turn->data;

	bev_tls_begin_turn();
	sockets->events->work(sockets->owner);
	sockets->events->turn_end(sockets->owner);
	drop_listed(sockets);
	sockets->events->turn_end(sockets->owner);
}

static void
watch(BevSockets *sockets)
{
	uv_prepare_init(sockets->loop, &sockets->turn);
	sockets->turn.data = sockets;
	uv_prepare_start(&sockets->turn, on_turn);
	uv_idle_init(sockets->loop, &sockets->hurry);
	uv_poll_init(sockets->loop, &sockets->poll, sockets->held);
	sockets->poll.data = sockets;
	uv_poll_start(&sockets->poll, UV_READABLE, on_held);
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
	sockets->held = epoll_create1(EPOLL_CLOEXEC);
	if (sockets->vhost == NULL || sockets->held < 0)
	{
		free(sockets);
		the_sockets = NULL;
		return NULL;
	}
	watch(sockets);
	return sockets;
}

void
bev_sockets_destroy(BevSockets *sockets)
{
	struct lws_context *context = sockets->context;

	drop_listed(sockets);
	uv_close((uv_handle_t *) &sockets->turn, NULL);
	uv_close((uv_handle_t *) &sockets->hurry, NULL);
	uv_close((uv_handle_t *) &sockets->poll, NULL);
	close(sockets->held);
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

	int fd = socket->held ? socket->fd : socket->wsi ? lws_get_socket_fd(socket->wsi) : -1;

	text[0] = '\0';
	if (fd < 0 || getpeername(fd, (struct sockaddr *) &peer, &len) != 0)
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
