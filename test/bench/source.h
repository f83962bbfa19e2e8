/*
 * source.h - where the events come from: a PostgreSQL session that inserts
 * reports, or the floor server's control socket.
 */
#ifndef BENCH_SOURCE_H
#define BENCH_SOURCE_H

#include <stdbool.h>

struct pg_conn;

typedef struct Source
{
	struct pg_conn *conn;		/* NULL: the floor's control socket */
	int			fd;
	bool		busy;			/* a transaction was sent and hasn't been answered */
	double		sent;			/* when */
	double		answered;
} Source;

/* what is "pg:CONNINFO" or "floor:SOCKET".  Ends the program if it can't. */
extern void source_open(Source *source, const char *what);

/* Commit count events, in one transaction; for the floor, order them. */
extern void source_commit(Source *source, int count);

/* Commit count events that nobody is there to receive. */
extern void source_commit_unseen(Source *source, int count);

/* Take what came on fd. */
extern void source_read(Source *source);

#endif							/* BENCH_SOURCE_H */
