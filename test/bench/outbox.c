/*
 * outbox.c - an outbox's reader: takes what triggers wrote into a table, and delivers it to a
 * WebSocket client.
 *
 *	outbox CONNINFO PORT
 *
 * Model: the least that such a reader does.  It takes up to 1000 rows with a DELETE, writes their
 * events to its one client in one piece, and looks again, after 10 ms if there were fewer.  It looks
 * without being told, since NOTIFY would cost those who write more than this.
 */
#include <arpa/inet.h>
#include <libpq-fe.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "upgrade.h"

#define BATCH		1000
#define PAUSE		10000		/* us */
#define HEAD_MAX	8192
#define FRAME_HEAD	10

static const char take[] =
	"DELETE FROM outbox WHERE id = ANY(ARRAY(SELECT id FROM outbox ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED))"
	" RETURNING event::text";

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static int
listen_on(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t) port)};
	int			on = 1;
	int			fd;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *) &address, sizeof(address)) != 0 || listen(fd, 8) != 0)
		die("listen");
	return fd;
}

static void
write_all(int fd, const char *data, size_t len)
{
	while (len > 0)
	{
		ssize_t		sent = send(fd, data, len, MSG_NOSIGNAL);

		if (sent <= 0)
			die("send");
		data += sent;
		len -= (size_t) sent;
	}
}

/* A client whose request is whole; one that ends before it, such as a probe of the port, isn't. */
static int
accept_client(int listener)
{
	char		head[HEAD_MAX] = "";
	char		answer[512];
	size_t		len = 0;
	int			on = 1;
	int			fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		die("accept");
	while (strstr(head, "\r\n\r\n") == NULL)
	{
		ssize_t		got = read(fd, head + len, HEAD_MAX - 1 - len);

		if (got <= 0)
		{
			close(fd);
			return accept_client(listener);
		}
		len += (size_t) got;
		head[len] = '\0';
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	write_all(fd, answer, upgrade_answer(head, answer));
	return fd;
}

/* A server's frame; returns behind it. */
static char *
put_frame(char *dst, const char *text, size_t len)
{
	*dst++ = (char) 0x81;
	if (len < 126)
		*dst++ = (char) len;
	else
	{
		int			bytes = len < 65536 ? 2 : 8;

		*dst++ = bytes == 2 ? 126 : 127;
		for (int i = bytes - 1; i >= 0; i--)
			*dst++ = (char) ((uint64_t) len >> (8 * i));
	}
	memcpy(dst, text, len);
	return dst + len;
}

static void
deliver(int client, const PGresult *result)
{
	size_t		room = 0;
	char	   *frames;
	char	   *end;

	for (int i = 0; i < PQntuples(result); i++)
		room += (size_t) PQgetlength(result, i, 0) + FRAME_HEAD;
	frames = end = malloc(room);
	if (frames == NULL)
		die("outbox");
	for (int i = 0; i < PQntuples(result); i++)
		end = put_frame(end, PQgetvalue(result, i, 0), (size_t) PQgetlength(result, i, 0));
	write_all(client, frames, (size_t) (end - frames));
	free(frames);
}

int
main(int argc, char **argv)
{
	PGconn	   *conn;
	int			client;

	if (argc != 3)
	{
		fprintf(stderr, "usage: outbox CONNINFO PORT\n");
		return 2;
	}
	client = accept_client(listen_on(atoi(argv[2])));
	conn = PQconnectdb(argv[1]);
	PQclear(PQprepare(conn, "take", take, 0, NULL));
	for (;;)
	{
		PGresult   *result = PQexecPrepared(conn, "take", 0, NULL, NULL, NULL, 0);
		int			n = PQntuples(result);

		if (PQresultStatus(result) != PGRES_TUPLES_OK)
		{
			fprintf(stderr, "outbox: %s", PQerrorMessage(conn));
			return 1;
		}
		if (n > 0)
			deliver(client, result);
		PQclear(result);
		if (n < BATCH)
			usleep(PAUSE);
	}
}
