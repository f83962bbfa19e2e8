/*
 * floor.c - the floor: the least that any server does that sends the same bytes
 * to many WebSocket clients.
 *
 *	floor PORT EVENT-SIZE CONTROL-SOCKET [CERT-FILE KEY-FILE]
 *
 * Model: epoll; the frames were made when the program started; an event is one
 * send() per client, a burst of 50 too; with a certificate, one SSL_write() for each
 * record of 16 kB.  No tokens, no masks to undo, no pings:
 * what clients send after their upgrade is read and thrown away.
 *
 * The control socket takes lines: "event N" sends a burst of N events to everyone;
 * "backlog N" gives N events to each client that connects from then on.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "upgrade.h"
#include "wire.h"

#define TURN_EVENTS		1024
#define CLIENTS_MAX		65536
#define HEAD_MAX		2048

typedef struct Client
{
	Wire		wire;
	bool		shaken;			/* the TLS handshake is over */
	int			place;			/* in clients[] */
	bool		upgraded;
	bool		choked;			/* the kernel is full; EPOLLOUT is on */
	size_t		owed;			/* bytes of frames still to send */
	size_t		offset;			/* into the frame where they go on */
	size_t		head_len;
	char	   *head;			/* of the request, until the upgrade */
} Client;

static int	epoll;
static int	listener;
static int	control_listener;
static int	control = -1;
static Client *clients[CLIENTS_MAX];
static int	client_count;
static char *frames;			/* the same event again and again */
static size_t frame_size;
static size_t frames_size;
static int	backlog;
static struct ssl_ctx_st *tls;	/* NULL: plain */

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

/* Enough copies that a burst is one send(). */
#define COPIES	256

static void
make_frames(size_t payload)
{
	static const char begin[] = "{\"type\":\"bug_report\",\"action\":\"created\",\"payload\":\"";
	char	   *frame;

	if (payload < 130)
		payload = 130;			/* two bytes of length, always */
	frame_size = payload + 4;
	frames_size = frame_size * COPIES;
	frames = malloc(frames_size);
	if (frames == NULL)
		die("floor");
	frame = frames;
	frame[0] = (char) 0x81;
	frame[1] = 126;
	frame[2] = (char) (payload >> 8);
	frame[3] = (char) payload;
	memset(frame + 4, 'x', payload);
	memcpy(frame + 4, begin, strlen(begin));
	memcpy(frame + 4 + payload - 2, "\"}", 2);
	for (int i = 1; i < COPIES; i++)
		memcpy(frames + (size_t) i * frame_size, frame, frame_size);
}

static void
watch(int operation, int fd, uint32_t events, void *ptr)
{
	struct epoll_event event = {.events = events, .data.ptr = ptr};

	if (epoll_ctl(epoll, operation, fd, &event) != 0)
		die("epoll_ctl");
}

static void
client_close(Client *client)
{
	clients[client->place] = clients[--client_count];
	clients[client->place]->place = client->place;
	wire_close(&client->wire);
	free(client->head);
	free(client);
}

static void
client_choke(Client *client, bool choked)
{
	if (client->choked != choked)
		watch(EPOLL_CTL_MOD, client->wire.fd, choked ? EPOLLIN | EPOLLOUT : EPOLLIN, client);
	client->choked = choked;
}

/* Send what is owed; false if the client is gone. */
static bool
client_send(Client *client)
{
	while (client->owed > 0)
	{
		size_t		len = frames_size - client->offset;
		ssize_t		sent;

		if (len > client->owed)
			len = client->owed;
		sent = wire_send(&client->wire, frames + client->offset, len);
		if (sent < 0 && errno == EAGAIN)
			break;
		if (sent < 0)
			return false;
		client->owed -= (size_t) sent;
		client->offset = (client->offset + (size_t) sent) % frame_size;
	}
	client_choke(client, client->owed > 0);
	return true;
}

static void
send_to_all(int count)
{
	for (int i = client_count - 1; i >= 0; i--)
	{
		Client	   *client = clients[i];

		if (!client->upgraded)
			continue;
		client->owed += (size_t) count * frame_size;
		if (!client->choked && !client_send(client))
			client_close(client);
	}
}

static bool
client_upgrade(Client *client)
{
	char		answer[512];
	size_t		len = upgrade_answer(client->head, answer);

	free(client->head);
	client->head = NULL;
	client->upgraded = true;
	if (wire_send(&client->wire, answer, len) != (ssize_t) len)
		return false;
	client->owed = (size_t) backlog * frame_size;
	return client_send(client);
}

static bool
client_read(Client *client)
{
	static char waste[65536];
	ssize_t		got;

	if (!client->shaken)
	{
		int			result = wire_shake(&client->wire);

		client->shaken = result > 0;
		if (result <= 0)
			return result == 0;
	}
	if (client->upgraded)
	{
		got = wire_read(&client->wire, waste, sizeof(waste));
		return got > 0 || (got < 0 && errno == EAGAIN);
	}
	got = wire_read(&client->wire, client->head + client->head_len, HEAD_MAX - 1 - client->head_len);
	if (got <= 0)
		return got < 0 && errno == EAGAIN;
	client->head_len += (size_t) got;
	client->head[client->head_len] = '\0';
	if (strstr(client->head, "\r\n\r\n"))
		return client_upgrade(client);
	return client->head_len < HEAD_MAX - 1;
}

static void
accept_clients(void)
{
	int			fd;
	int			on = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
	{
		Client	   *client = calloc(1, sizeof(Client));

		if (client == NULL || client_count == CLIENTS_MAX ||
			(client->head = malloc(HEAD_MAX)) == NULL)
			die("floor");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		wire_open(&client->wire, fd, tls, true);
		client->place = client_count;
		clients[client_count++] = client;
		watch(EPOLL_CTL_ADD, fd, EPOLLIN, client);
	}
}

static void
read_control(void)
{
	char		line[64];
	ssize_t		got = read(control, line, sizeof(line) - 1);
	int			count;

	if (got <= 0)
	{
		close(control);
		control = -1;
		return;
	}
	line[got] = '\0';
	if (sscanf(line, "event %d", &count) == 1)
		send_to_all(count);
	else if (sscanf(line, "backlog %d", &count) == 1)
		backlog = count;
}

static void
accept_control(void)
{
	if (control >= 0)
		close(control);
	control = accept4(control_listener, NULL, NULL, SOCK_CLOEXEC);
	if (control >= 0)
		watch(EPOLL_CTL_ADD, control, EPOLLIN, &control);
}

static void
listen_on(int port, const char *control_path)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t) port)};
	struct sockaddr_un path = {.sun_family = AF_UNIX};
	int			on = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (struct sockaddr *) &address, sizeof(address)) != 0 ||
		listen(listener, 4096) != 0)
		die("listen");
	snprintf(path.sun_path, sizeof(path.sun_path), "%s", control_path);
	unlink(control_path);
	control_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(control_listener, (struct sockaddr *) &path, sizeof(path)) != 0 ||
		listen(control_listener, 8) != 0)
		die(control_path);
	watch(EPOLL_CTL_ADD, listener, EPOLLIN, &listener);
	watch(EPOLL_CTL_ADD, control_listener, EPOLLIN, &control_listener);
}

static void
client_turn(Client *client, uint32_t events)
{
	bool		alive = true;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		alive = client_read(client);
	if (alive && (events & EPOLLOUT))
		alive = client_send(client);
	if (!alive)
		client_close(client);
}

int
main(int argc, char **argv)
{
	static struct epoll_event events[TURN_EVENTS];

	if (argc != 4 && argc != 6)
	{
		fprintf(stderr, "usage: floor PORT EVENT-SIZE CONTROL-SOCKET [CERT-FILE KEY-FILE]\n");
		return 2;
	}
	if (argc == 6)
		tls = wire_server_context(argv[4], argv[5]);
	make_frames((size_t) atoi(argv[2]));
	epoll = epoll_create1(EPOLL_CLOEXEC);
	listen_on(atoi(argv[1]), argv[3]);
	for (;;)
	{
		int			n = epoll_wait(epoll, events, TURN_EVENTS, -1);

		for (int i = 0; i < n; i++)
		{
			void	   *ptr = events[i].data.ptr;

			if (ptr == &listener)
				accept_clients();
			else if (ptr == &control_listener)
				accept_control();
			else if (ptr == &control)
				read_control();
			else
				client_turn(ptr, events[i].events);
		}
	}
}
