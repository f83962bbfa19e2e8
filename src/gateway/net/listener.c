/*
 * listener.c - the listening sockets.
 *
 * Model: the dispatcher opens them, because a gateway may make no sockets (sandbox.h), and passes
 * them over a socketpair of their own.  They come as a whole, which replaces those before.
 *
 * Failure: out of descriptors, accept() would fail for ever while the loop spins:
 * one descriptor is held in reserve, given up to accept and close the connection.  When the
 * dispatcher is gone, so is its pipe, which ends the gateway (link.c); here it is let be.
 */
#define _GNU_SOURCE /* accept4 */
#include "gateway/net/listener.h"
#include "common/pipe/passed_sockets.h"
#include "common/program/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Connections taken in one turn, for each of which another may have to go: a millisecond of it. */
#define ACCEPT_BATCH 16

typedef struct Acceptor
{
	uv_poll_t poll;
	int fd;
	BevListener *listener;
} Acceptor;

struct BevListener
{
	uv_loop_t *loop;
	uv_poll_t poll;
	int source; /* where the sockets come from */
	void (*accepted)(void *owner, int fd);
	void *owner;
	Acceptor *acceptor[BEV_PASSED_SOCKETS_MAX];
	int acceptors;
	int reserve; /* descriptor */
};

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
			listener->accepted(listener->owner, fd);
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

/* ---- Which they are ---- */

static void
replace_acceptors(BevListener *listener, const int *fd, int count)
{
	close_acceptors(listener);
	for (int i = 0; i < count; i++)
		open_acceptor(listener, fd[i]);
}

static void
on_source(uv_poll_t *poll, int status __attribute__((unused)), int events __attribute__((unused)))
{
	BevListener *listener = poll->data;
	int fd[BEV_PASSED_SOCKETS_MAX];
	int count = bev_passed_sockets_receive(listener->source, fd);

	if (count < 0)
		uv_poll_stop(poll);
	else if (count > 0)
		replace_acceptors(listener, fd, count);
}

BevListener *
bev_listener_create(uv_loop_t *loop, int source, void (*accepted)(void *owner, int fd), void *owner)
{
	BevListener *listener = bev_alloc(sizeof(*listener));

	listener->loop = loop;
	listener->source = source;
	listener->accepted = accepted;
	listener->owner = owner;
	listener->reserve = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	uv_poll_init(loop, &listener->poll, source);
	listener->poll.data = listener;
	uv_poll_start(&listener->poll, UV_READABLE, on_source);
	return listener;
}

static void
on_listener_closed(uv_handle_t *handle)
{
	BevListener *listener = handle->data;

	if (listener->reserve >= 0)
		close(listener->reserve);
	close(listener->source);
	free(listener);
}

void
bev_listener_free(BevListener *listener)
{
	close_acceptors(listener);
	uv_poll_stop(&listener->poll);
	uv_close((uv_handle_t *) &listener->poll, on_listener_closed);
}
