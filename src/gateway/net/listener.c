/*
 * listener.c - the listening sockets.
 *
 * Model: the library's own listener binds all addresses when it is told one (see
 * the project's notes on its "iface"), so the sockets are opened here.  A set of
 * sockets is opened as a whole and then replaces the old one.
 *
 * Addresses are numeric: to look a name up takes files and connections that a
 * gateway may not have (sandbox.h), so the dispatcher does it.
 *
 * Failure: out of descriptors, accept() would fail for ever while the loop spins:
 * one descriptor is held in reserve, given up to accept and close the connection.
 */
#define _GNU_SOURCE /* accept4 */
#include "gateway/net/listener.h"
#include "common/program/memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RETRY_MS 1000
#define BACKLOG  1024
/* Connections taken in one turn, for each of which another may have to go: a millisecond of it. */
#define ACCEPT_BATCH 16

typedef struct Acceptor
{
	uv_poll_t poll;
	int fd;
	BevListener *listener;
} Acceptor;

/* Sockets that are open or being opened. */
typedef struct Set
{
	int fd[BEV_LISTEN_MAX];
	int count;
	bool only_loopback;
	bool failed;     /* one that should have opened did not */
	char error[256]; /* why, of the last one */
} Set;

struct BevListener
{
	uv_loop_t *loop;
	uv_timer_t retry;
	const BevListenerEvents *events;
	void *owner;
	Acceptor *acceptor[BEV_LISTEN_MAX];
	int acceptors;
	int reserve;    /* descriptor */
	BevPlace place; /* where it is to listen; addresses are its own */
	bool retrying;
};

static void
format_address(const struct sockaddr *address, char *dst, size_t size)
{
	char host[INET6_ADDRSTRLEN];

	if (address->sa_family == AF_INET6)
	{
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *) address;

		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		snprintf(dst, size, "[%s]:%u", host, ntohs(in6->sin6_port));
	}
	else
	{
		const struct sockaddr_in *in = (const struct sockaddr_in *) address;

		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(dst, size, "%s:%u", host, ntohs(in->sin_port));
	}
}

/* ---- Opening ---- */

static int
open_socket(const struct sockaddr *address, socklen_t len)
{
	const int on = 1;
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	/* Inherited by what is accepted. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (address->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, address, len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;

	int saved = errno;

	close(fd);
	errno = saved;
	return -1;
}

/* The port of an open socket, to give all addresses the same when it was 0. */
static uint16_t
port_of(int fd)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);

	if (getsockname(fd, (struct sockaddr *) &address, &len) != 0)
		return 0;
	return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *) &address)->sin6_port :
	                                             ((struct sockaddr_in *) &address)->sin_port);
}

static void
set_port(struct sockaddr *address, uint16_t port)
{
	if (address->sa_family == AF_INET6)
		((struct sockaddr_in6 *) address)->sin6_port = htons(port);
	else
		((struct sockaddr_in *) address)->sin_port = htons(port);
}

static bool
is_open_already(const Set *set, const struct sockaddr *address, socklen_t len)
{
	for (int i = 0; i < set->count; i++)
	{
		struct sockaddr_storage other;
		socklen_t other_len = sizeof(other);

		if (getsockname(set->fd[i], (struct sockaddr *) &other, &other_len) == 0 &&
		    other_len == len && memcmp(&other, address, len) == 0)
			return true;
	}
	return false;
}

static bool
is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *) address)->sin6_addr);
	return ntohl(((const struct sockaddr_in *) address)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

static void
note_failure(Set *set, const struct sockaddr *address, const char *why)
{
	char text[INET6_ADDRSTRLEN + 10];

	format_address(address, text, sizeof(text));
	snprintf(set->error, sizeof(set->error), "could not bind %s: %s", text, why);
}

static void
open_address(Set *set, struct sockaddr *address, socklen_t len, uint16_t port)
{
	int fd;

	if (port == 0 && set->count > 0)
		port = port_of(set->fd[0]);
	set_port(address, port);
	if (set->count == BEV_LISTEN_MAX || is_open_already(set, address, len))
		return;
	if (set->only_loopback && !is_loopback(address))
	{
		set->failed = true;
		note_failure(set, address,
		             "without tls_cert_file only loopback addresses "
		             "are allowed, unless allow_plaintext is on");
		return;
	}
	fd = open_socket(address, len);
	if (fd >= 0)
		set->fd[set->count++] = fd;
	else
	{
		/* A machine without IPv6 has no ::1; that is how it should be. */
		set->failed |= errno != EADDRNOTAVAIL && errno != EAFNOSUPPORT;
		note_failure(set, address, strerror(errno));
	}
}

static void
open_numeric(Set *set, const char *name, uint16_t port)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *found = NULL;
	int failure = getaddrinfo(name, NULL, &hints, &found);

	if (failure)
	{
		set->failed = true;
		snprintf(set->error, sizeof(set->error), "\"%s\" is not an address", name);
		return;
	}
	open_address(set, found->ai_addr, found->ai_addrlen, port);
	freeaddrinfo(found);
}

/* The same of both families. */
static void
open_both(Set *set, in_addr_t ipv4, struct in6_addr ipv6, uint16_t port)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(ipv4),
	};
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6,
		.sin6_addr = ipv6,
	};

	open_address(set, (struct sockaddr *) &in, sizeof(in), port);
	open_address(set, (struct sockaddr *) &in6, sizeof(in6), port);
}

static void
open_all(Set *set, const char *addresses, uint16_t port)
{
	char *list = bev_copy_text(addresses, strlen(addresses));
	char *rest;
	char *name;

	for (name = strtok_r(list, ", \t", &rest); name; name = strtok_r(NULL, ", \t", &rest))
	{
		/*
		 * /etc/hosts often lacks ::1 for localhost, so that it depends on the
		 * machine what the name gives; here it is always both.
		 */
		if (strcmp(name, "localhost") == 0)
			open_both(set, INADDR_LOOPBACK, in6addr_loopback, port);
		else if (strcmp(name, "*") == 0)
			open_both(set, INADDR_ANY, in6addr_any, port);
		else
			open_numeric(set, name, port);
	}
	free(list);
}

/* ---- Accepting ---- */

static void
refuse_one(BevListener *listener, int fd)
{
	int refused;

	close(listener->reserve);
	refused = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	if (refused >= 0)
		close(refused);
	listener->reserve = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
}

static void
on_acceptor(uv_poll_t *poll, int status __attribute__((unused)), int events __attribute__((unused)))
{
	Acceptor *acceptor = poll->data;
	BevListener *listener = acceptor->listener;

	for (int i = 0; i < ACCEPT_BATCH; i++)
	{
		int fd = accept4(acceptor->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0)
			listener->events->accepted(listener->owner, fd);
		else if (errno == EMFILE || errno == ENFILE)
		{
			refuse_one(listener, acceptor->fd);
			break;
		}
		else if (errno != EINTR && errno != ECONNABORTED)
			break;
	}
}

static void
on_acceptor_closed(uv_handle_t *handle)
{
	Acceptor *acceptor = handle->data;

	close(acceptor->fd);
	free(acceptor);
}

static void
close_acceptors(BevListener *listener)
{
	for (int i = 0; i < listener->acceptors; i++)
	{
		uv_poll_stop(&listener->acceptor[i]->poll);
		uv_close((uv_handle_t *) &listener->acceptor[i]->poll, on_acceptor_closed);
	}
	listener->acceptors = 0;
}

static void
open_acceptor(BevListener *listener, int fd)
{
	Acceptor *acceptor = bev_alloc(sizeof(*acceptor));

	acceptor->fd = fd;
	acceptor->listener = listener;
	uv_poll_init(listener->loop, &acceptor->poll, fd);
	acceptor->poll.data = acceptor;
	uv_poll_start(&acceptor->poll, UV_READABLE, on_acceptor);
	listener->acceptor[listener->acceptors++] = acceptor;
}

/* ---- The life of a listener ---- */

static void
announce(BevListener *listener)
{
	char text[BEV_LISTEN_MAX * (INET6_ADDRSTRLEN + 10)] = "";
	size_t used = 0;

	for (int i = 0; i < listener->acceptors; i++)
	{
		struct sockaddr_storage address;
		socklen_t len = sizeof(address);

		if (getsockname(listener->acceptor[i]->fd, (struct sockaddr *) &address, &len))
			continue;
		if (used > 0)
			text[used++] = ' ';
		format_address((struct sockaddr *) &address, text + used, sizeof(text) - used);
		used += strlen(text + used);
	}
	listener->events->listening(listener->owner, text);
}

static void
discard(Set *set)
{
	for (int i = 0; i < set->count; i++)
		close(set->fd[i]);
	set->count = 0;
}

static void
open_acceptors(BevListener *listener, const Set *set)
{
	close_acceptors(listener);
	for (int i = 0; i < set->count; i++)
		open_acceptor(listener, set->fd[i]);
	announce(listener);
}

static void
try_to_open(uv_timer_t *timer)
{
	BevListener *listener = timer->data;
	Set set = {.only_loopback = listener->place.only_loopback};

	open_all(&set, listener->place.addresses, listener->place.port);
	/* A second try that brings no more than we have is not worth the change. */
	if (listener->retrying && set.failed && set.count <= listener->acceptors)
		discard(&set);
	if (set.count > 0)
		open_acceptors(listener, &set);
	listener->retrying = set.failed || listener->acceptors == 0;
	listener->events->status(listener->owner, !listener->retrying ? NULL :
	                                          set.error[0]        ? set.error :
	                                                         "listen_addresses names no address");
	if (listener->retrying)
		uv_timer_start(&listener->retry, try_to_open, RETRY_MS, 0);
}

BevListener *
bev_listener_create(uv_loop_t *loop, const BevListenerEvents *events, void *owner)
{
	BevListener *listener = bev_alloc(sizeof(*listener));

	listener->loop = loop;
	listener->events = events;
	listener->owner = owner;
	listener->reserve = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	uv_timer_init(loop, &listener->retry);
	listener->retry.data = listener;
	return listener;
}

static bool
is_same_place(const BevPlace *a, const BevPlace *b)
{
	return a->addresses && strcmp(a->addresses, b->addresses) == 0 && a->port == b->port &&
	       a->only_loopback == b->only_loopback;
}

void
bev_listener_place(BevListener *listener, const BevPlace *place)
{
	if (is_same_place(&listener->place, place))
		return;
	free((char *) listener->place.addresses);
	listener->place = *place;
	listener->place.addresses = bev_copy_text(place->addresses, strlen(place->addresses));
	listener->retrying = false;
	uv_timer_stop(&listener->retry);
	try_to_open(&listener->retry);
}

static void
on_listener_closed(uv_handle_t *handle)
{
	BevListener *listener = handle->data;

	if (listener->reserve >= 0)
		close(listener->reserve);
	free((char *) listener->place.addresses);
	free(listener);
}

void
bev_listener_free(BevListener *listener)
{
	close_acceptors(listener);
	uv_timer_stop(&listener->retry);
	uv_close((uv_handle_t *) &listener->retry, on_listener_closed);
}
