/*
 * fleet.c - many WebSocket clients in one process, on one epoll.
 *
 * Model: level-triggered epoll, one read() per ready client and turn into one
 * buffer that all share, so a client costs little more than the server's send().
 */
#include "fleet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "token.h"

#define TURN_EVENTS		1024
#define BUFFER_SIZE		(256 * 1024)
#define OP_PONG			0xA

/* Ephemeral ports per address are about 28,000: spread the clients. */
#define CLIENTS_PER_ADDRESS	5000

typedef struct Watch
{
	WatchCallback callback;
	void	   *arg;
} Watch;

#define WATCH_MAX	8
static Watch watches[WATCH_MAX];
static int	watch_count;

double
fleet_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

void
fleet_init(Fleet *fleet, const char *url, int size)
{
	const char *colon;
	char		address[40] = "";

	memset(fleet, 0, sizeof(*fleet));
	if (strncmp(url, "tls:", 4) == 0)
	{
		fleet->tls = wire_client_context();
		url += 4;
	}
	colon = strrchr(url, ':');
	if (colon == NULL || (size_t) (colon - url) >= sizeof(address))
	{
		fprintf(stderr, "load: not host:port: %s\n", url);
		exit(2);
	}
	memcpy(address, url, (size_t) (colon - url));
	snprintf(fleet->host, sizeof(fleet->host), "%s", url);
	fleet->address.sin_family = AF_INET;
	fleet->address.sin_port = htons((uint16_t) atoi(colon + 1));
	if (inet_pton(AF_INET, address, &fleet->address.sin_addr) != 1)
	{
		fprintf(stderr, "load: not an address: %s\n", address);
		exit(2);
	}
	fleet->epoll = epoll_create1(EPOLL_CLOEXEC);
	fleet->size = size;
	fleet->clients = calloc((size_t) size, sizeof(Client));
	if (fleet->epoll < 0 || fleet->clients == NULL)
		die("load");
	for (int i = 0; i < size; i++)
	{
		fleet->clients[i].fleet = fleet;
		fleet->clients[i].number = i;
		fleet->clients[i].wire.fd = -1;
	}
}

/* A loopback address of the client's own, chosen by the kernel only for its port. */
static void
bind_source(int fd, int number)
{
	struct sockaddr_in source = {.sin_family = AF_INET};
	int			on = 1;

	source.sin_addr.s_addr = htonl(0x7F000001u + 1 + (uint32_t) (number / CLIENTS_PER_ADDRESS));
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *) &source, sizeof(source)) != 0)
		die("bind");
}

static void
client_connect(Client *client)
{
	Fleet	   *fleet = client->fleet;
	struct epoll_event event = {.events = EPOLLOUT, .data.ptr = client};
	int			fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	bind_source(fd, client->number);
	if (connect(fd, (struct sockaddr *) &fleet->address, sizeof(fleet->address)) != 0 &&
		errno != EINPROGRESS)
		die("connect");
	wire_open(&client->wire, fd, fleet->tls, false);
	frames_init(&client->frames);
	client->state = CLIENT_CONNECTING;
	fleet->open++;
	if (epoll_ctl(fleet->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		die("epoll_ctl");
}

static void
client_close(Client *client)
{
	if (client->state == CLIENT_CLOSED)
		return;
	if (client->state == CLIENT_READY)
		client->fleet->ready--;
	client->fleet->open--;
	client->state = CLIENT_CLOSED;
	wire_close(&client->wire);
}

void
fleet_connect(Fleet *fleet, int from, int upto)
{
	for (int i = from; i < upto; i++)
		client_connect(&fleet->clients[i]);
}

void
fleet_drop(Fleet *fleet)
{
	struct linger abrupt = {.l_onoff = 1, .l_linger = 0};

	for (int i = 0; i < fleet->size; i++)
	{
		Client	   *client = &fleet->clients[i];

		if (client->state == CLIENT_CLOSED)
			continue;
		setsockopt(client->wire.fd, SOL_SOCKET, SO_LINGER, &abrupt, sizeof(abrupt));
		client_close(client);
	}
}

void
fleet_reset(Fleet *fleet)
{
	for (int i = 0; i < fleet->size; i++)
		fleet->clients[i].received = 0;
	fleet->deliveries = fleet->bytes = fleet->disorder = 0;
	fleet->resyncs = fleet->lost = 0;
	fleet->first = fleet->last = 0;
}

uint64_t
fleet_seq(const Fleet *fleet)
{
	uint64_t	seq = 0;

	for (int i = 0; i < fleet->size; i++)
		if (fleet->clients[i].seq > seq)
			seq = fleet->clients[i].seq;
	return seq;
}

/* Write a little; a client's own messages always fit into an empty buffer. */
static void
client_write(Client *client, const char *data, size_t len)
{
	if (wire_send(&client->wire, data, len) != (ssize_t) len)
	{
		client->fleet->lost++;
		client_close(client);
	}
}

static void
client_request_upgrade(Client *client)
{
	Fleet	   *fleet = client->fleet;
	char		token[TOKEN_MAX] = "";
	char		user_id[24];
	char		resume[96] = "";
	char		request[2048];
	int			len;

	snprintf(user_id, sizeof(user_id), "%d", 1000000 + client->number);
	if (fleet->secret)
		token_sign(token, fleet->secret, fleet->secret_len, user_id);
	if (fleet->since > 0)
		snprintf(resume, sizeof(resume), "&since=%llu&stream=%s",
				 (unsigned long long) fleet->since, fleet->stream);
	len = snprintf(request, sizeof(request),
				   "GET /ws?token=%s%s HTTP/1.1\r\n"
				   "Host: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
				   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
				   "Sec-WebSocket-Version: 13\r\n\r\n", token, resume, fleet->host);
	client->state = CLIENT_UPGRADING;
	client_write(client, request, (size_t) len);
}

/* The number that follows a member's name, 0 if it isn't there. */
static uint64_t
member_number(const char *json, const char *name)
{
	const char *found = strstr(json, name);

	return found ? strtoull(found + strlen(name), NULL, 10) : 0;
}

static void
client_becomes_ready(Client *client, const char *head)
{
	const char *stream = strstr(head, "\"stream\":\"");
	uint64_t	seq = member_number(head, "\"seq\":");

	if (stream)
		sscanf(stream, "\"stream\":\"%36[^\"]", client->fleet->stream);
	client->seq = client->fleet->since > 0 ? client->fleet->since : seq;
	client->state = CLIENT_READY;
	client->fleet->ready++;
}

static void
client_delivery(Client *client, const char *head)
{
	Fleet	   *fleet = client->fleet;
	uint64_t	seq = member_number(head, "\"seq\":");

	if (seq != 0 && seq <= client->seq)
		fleet->disorder++;
	client->seq = seq;
	client->received++;
	if (fleet->deliveries++ == 0)
		fleet->first = fleet->last;
	if (fleet->on_delivery)
		fleet->on_delivery(fleet->on_delivery_arg, fleet->last);
}

static void
client_text(Client *client, const char *head, size_t head_len)
{
	/* What it is stands in the first bytes; the row may say anything. */
	if (memmem(head, head_len < 48 ? head_len : 48, "\"bug_report\"", 12))
		client_delivery(client, head);
	else if (client->state == CLIENT_UPGRADING && strstr(head, "\"connection\""))
		client_becomes_ready(client, head);
	else if (strstr(head, "resync_required"))
		client->fleet->resyncs++;
	else if (strstr(head, "\"error\""))
		fprintf(stderr, "load: client %d: %s\n", client->number, head);
}

static void
client_frame(void *arg, FrameKind kind, const char *head, size_t head_len)
{
	Client	   *client = arg;
	char		pong[131];

	switch (kind)
	{
		case FRAME_TEXT:
			client_text(client, head, head_len);
			break;
		case FRAME_PING:
			if (client->state != CLIENT_CLOSED)
				client_write(client, pong, frames_client(pong, OP_PONG, head, head_len));
			break;
		case FRAME_UPGRADED:
		case FRAME_PONG:
			break;
		case FRAME_CLOSE:
			fprintf(stderr, "load: client %d: closed: %.120s\n", client->number, head_len > 2 ? head + 2 : "");
			break;
		case FRAME_REFUSED:
		case FRAME_BROKEN:
			fprintf(stderr, "load: client %d: refused or broken: %.120s\n", client->number, head);
			client_close(client);
			break;
	}
}

static void
client_read(Client *client)
{
	static char buffer[BUFFER_SIZE];
	ssize_t		got = wire_read(&client->wire, buffer, sizeof(buffer));

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0)
	{
		client->fleet->lost++;
		client_close(client);
		return;
	}
	client->fleet->bytes += (uint64_t) got;
	client->fleet->last = fleet_now();
	frames_feed(&client->frames, buffer, (size_t) got, client_frame, client);
}

static void
client_shake(Client *client)
{
	int			result = wire_shake(&client->wire);

	if (result > 0)
		client_request_upgrade(client);
	else if (result < 0)
	{
		fprintf(stderr, "load: client %d: no TLS handshake\n", client->number);
		client->fleet->lost++;
		client_close(client);
	}
}

static void
client_connected(Client *client)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
	int			error = 0;
	socklen_t	len = sizeof(error);

	getsockopt(client->wire.fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error != 0)
	{
		fprintf(stderr, "load: client %d: connect: %s\n", client->number, strerror(error));
		client->fleet->lost++;
		client_close(client);
		return;
	}
	/* What a handshake sends always fits into an empty buffer. */
	epoll_ctl(client->fleet->epoll, EPOLL_CTL_MOD, client->wire.fd, &event);
	client->state = CLIENT_SHAKING;
	client_shake(client);
}

void
fleet_watch(Fleet *fleet, int fd, WatchCallback callback, void *arg)
{
	Watch	   *watch = &watches[watch_count++];
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = watch};

	*watch = (Watch) {.callback = callback, .arg = arg};
	if (watch_count > WATCH_MAX || epoll_ctl(fleet->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		die("epoll_ctl");
}

static bool
is_watch(const void *ptr)
{
	return ptr >= (const void *) watches && ptr < (const void *) (watches + WATCH_MAX);
}

void
fleet_turn(Fleet *fleet, double seconds)
{
	static struct epoll_event events[TURN_EVENTS];
	int			timeout = seconds <= 0 ? 0 : (int) (seconds * 1000) + 1;
	int			n = epoll_wait(fleet->epoll, events, TURN_EVENTS, timeout);

	for (int i = 0; i < n; i++)
	{
		Client	   *client = events[i].data.ptr;

		if (is_watch(client))
		{
			Watch	   *watch = events[i].data.ptr;

			watch->callback(watch->arg);
		}
		else if (client->state == CLIENT_CONNECTING)
			client_connected(client);
		else if (client->state == CLIENT_SHAKING)
			client_shake(client);
		else if (client->state != CLIENT_CLOSED)
			client_read(client);
	}
}
