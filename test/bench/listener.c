/*
 * listener.c - a session that LISTENs and takes the notifications: what every
 * design on LISTEN/NOTIFY has at least one of while others commit.
 *
 *	listener CONNINFO CHANNEL
 */
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>

int
main(int argc, char **argv)
{
	char		sql[128];
	PGconn	   *conn;
	PGnotify   *notify;
	struct pollfd ready = {.events = POLLIN};

	if (argc != 3)
	{
		fprintf(stderr, "usage: listener CONNINFO CHANNEL\n");
		return 2;
	}
	conn = PQconnectdb(argv[1]);
	snprintf(sql, sizeof(sql), "LISTEN %s", argv[2]);
	if (PQresultStatus(PQexec(conn, sql)) != PGRES_COMMAND_OK)
	{
		fprintf(stderr, "listener: %s", PQerrorMessage(conn));
		return 1;
	}
	printf("listening\n");
	fflush(stdout);
	ready.fd = PQsocket(conn);
	while (poll(&ready, 1, -1) >= 0 && PQconsumeInput(conn))
		while ((notify = PQnotifies(conn)) != NULL)
			PQfreemem(notify);
	return 0;
}
