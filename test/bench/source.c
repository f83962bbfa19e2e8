/*
 * source.c - where the events come from: a PostgreSQL session that inserts
 * reports, or the floor server's control socket.
 */
#include "source.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fleet.h"

/* A short report: about 400 bytes as an event. */
#define COLUMNS \
	"INSERT INTO bug_reports (title, description, status, priority, creator_id, project_id) "
#define VALUES \
	"'The list jumps to its top', 'After a reload.', 'open', 'medium', 7, 3"

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "load: %s: %s\n", what, why);
	exit(1);
}

static void
prepare(PGconn *conn, const char *name, const char *sql)
{
	PGresult   *result = PQprepare(conn, name, sql, 0, NULL);

	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		die("prepare", PQerrorMessage(conn));
	PQclear(result);
}

static void
open_session(Source *source, const char *conninfo)
{
	source->conn = PQconnectdb(conninfo);
	if (PQstatus(source->conn) != CONNECTION_OK)
		die("connect", PQerrorMessage(source->conn));
	prepare(source->conn, "one", COLUMNS "VALUES (" VALUES ")");
	prepare(source->conn, "many", COLUMNS "SELECT " VALUES " FROM generate_series(1, $1::int)");
	source->fd = PQsocket(source->conn);
}

static void
open_control(Source *source, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	source->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (source->fd < 0 ||
		connect(source->fd, (struct sockaddr *) &address, sizeof(address)) != 0)
		die(path, "cannot connect");
}

void
source_open(Source *source, const char *what)
{
	memset(source, 0, sizeof(*source));
	if (strncmp(what, "pg:", 3) == 0)
		open_session(source, what + 3);
	else if (strncmp(what, "floor:", 6) == 0)
		open_control(source, what + 6);
	else
		die(what, "neither pg: nor floor:");
}

static void
order(Source *source, const char *verb, int count)
{
	char		line[64];
	int			len = snprintf(line, sizeof(line), "%s %d\n", verb, count);

	source->sent = source->answered = fleet_now();
	if (write(source->fd, line, (size_t) len) != len)
		die("floor", "cannot write");
}

static void
commit(Source *source, int count)
{
	char		number[16];
	const char *values[] = {number};
	int			sent;

	snprintf(number, sizeof(number), "%d", count);
	source->busy = true;
	source->sent = fleet_now();
	sent = count == 1 ?
		PQsendQueryPrepared(source->conn, "one", 0, NULL, NULL, NULL, 0) :
		PQsendQueryPrepared(source->conn, "many", 1, values, NULL, NULL, 0);
	if (!sent)
		die("send", PQerrorMessage(source->conn));
}

void
source_commit(Source *source, int count)
{
	if (source->conn)
		commit(source, count);
	else
		order(source, "event", count);
}

void
source_commit_unseen(Source *source, int count)
{
	if (source->conn)
		commit(source, count);
	else
		order(source, "backlog", count);
}

void
source_read(Source *source)
{
	PGresult   *result;

	if (source->conn == NULL)
		die("floor", "is gone");
	if (!PQconsumeInput(source->conn))
		die("read", PQerrorMessage(source->conn));
	if (PQisBusy(source->conn))
		return;
	source->answered = fleet_now();
	while ((result = PQgetResult(source->conn)) != NULL)
	{
		if (PQresultStatus(result) != PGRES_COMMAND_OK)
			die("insert", PQresultErrorMessage(result));
		PQclear(result);
	}
	source->busy = false;
}
