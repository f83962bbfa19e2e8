/*
 * listening_sockets.c - sockets that listen, of a list of addresses.
 *
 * Model: a set of sockets is opened as a whole.  Addresses are numeric: who looks up names is a
 * responder (admission/addresses.c), since that may take its time.
 */
#include "server/dispatcher/listening_sockets.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/stringinfo.h"

#define BACKLOG 1024

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

static int
open_socket(const struct sockaddr *address, socklen_t len)
{
	const int on = 1;
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int failure;

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
	failure = errno;
	close(fd);
	errno = failure;
	return -1;
}

/* The port of an open socket, to give all addresses the same when it was 0. */
static uint16
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
set_port(struct sockaddr *address, uint16 port)
{
	if (address->sa_family == AF_INET6)
		((struct sockaddr_in6 *) address)->sin6_port = htons(port);
	else
		((struct sockaddr_in *) address)->sin_port = htons(port);
}

static bool
is_open_already(const BevListeningSockets *set, const struct sockaddr *address, socklen_t len)
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
note_failure(BevListeningSockets *set, const struct sockaddr *address, const char *why)
{
	char text[INET6_ADDRSTRLEN + 10];

	format_address(address, text, sizeof(text));
	snprintf(set->error, sizeof(set->error), "could not bind %s: %s", text, why);
}

static void
open_address(BevListeningSockets *set, const BevPlace *place, struct sockaddr *address,
             socklen_t len)
{
	int fd;

	set_port(address, place->port == 0 && set->count > 0 ? port_of(set->fd[0]) : place->port);
	if (set->count == BEV_PASSED_SOCKETS_MAX || is_open_already(set, address, len))
		return;
	if (place->only_loopback && !is_loopback(address))
	{
		set->complete = false;
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
		set->complete &= errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT;
		note_failure(set, address, strerror(errno));
	}
}

static void
open_numeric(BevListeningSockets *set, const BevPlace *place, const char *name)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *found = NULL;
	int failure = getaddrinfo(name, NULL, &hints, &found);

	if (failure)
	{
		set->complete = false;
		snprintf(set->error, sizeof(set->error), "\"%s\" is not an address", name);
		return;
	}
	open_address(set, place, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
}

/* The same of both families. */
static void
open_both(BevListeningSockets *set, const BevPlace *place, in_addr_t ipv4, struct in6_addr ipv6)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(ipv4),
	};
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6,
		.sin6_addr = ipv6,
	};

	open_address(set, place, (struct sockaddr *) &in, sizeof(in));
	open_address(set, place, (struct sockaddr *) &in6, sizeof(in6));
}

static void
open_name(BevListeningSockets *set, const BevPlace *place, const char *name)
{
	/*
	 * /etc/hosts often lacks ::1 for localhost, so that it depends on the
	 * machine what the name gives; here it is always both.
	 */
	if (strcmp(name, "localhost") == 0)
		open_both(set, place, INADDR_LOOPBACK, in6addr_loopback);
	else if (strcmp(name, "*") == 0)
		open_both(set, place, INADDR_ANY, in6addr_any);
	else
		open_numeric(set, place, name);
}

void
bev_listening_sockets_open(BevListeningSockets *sockets, const BevPlace *place)
{
	char *list = pstrdup(place->addresses);
	char *rest;

	*sockets = (BevListeningSockets){.complete = true};
	for (char *name = strtok_r(list, ", \t", &rest); name; name = strtok_r(NULL, ", \t", &rest))
		open_name(sockets, place, name);
	pfree(list);
	sockets->complete &= sockets->count > 0;
	if (!sockets->complete && sockets->error[0] == '\0')
		strlcpy(sockets->error, "listen_addresses names no address", sizeof(sockets->error));
}

void
bev_listening_sockets_close(BevListeningSockets *sockets)
{
	for (int i = 0; i < sockets->count; i++)
		close(sockets->fd[i]);
	sockets->count = 0;
}

char *
bev_listening_sockets_name(const BevListeningSockets *sockets)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < sockets->count; i++)
	{
		struct sockaddr_storage address;
		socklen_t len = sizeof(address);
		char name[INET6_ADDRSTRLEN + 10];

		if (getsockname(sockets->fd[i], (struct sockaddr *) &address, &len) != 0)
			continue;
		format_address((struct sockaddr *) &address, name, sizeof(name));
		appendStringInfo(&names, "%s%s", names.len ? " " : "", name);
	}
	return names.data;
}
