/*
 * spawn.h - starting a program of ours, and seeing it end.
 */
#ifndef BEV_SERVER_BASE_SPAWN_H
#define BEV_SERVER_BASE_SPAWN_H

#include "postgres.h"

/* The descriptors that the program finds. */
#define BEV_SPAWN_PIPE 3
#define BEV_SPAWN_FILE 4

/* Our ends of what joins us to a program; non-blocking. */
typedef struct BevSpawnEnds
{
	int pipe;
	int words; /* what it writes to its standard output and error; -1: the server's log has that */
} BevSpawnEnds;

/*
 * Start a program that lies beside this library, or in pkglibdir, as a child process.  It has
 * one end of a socketpair as BEV_SPAWN_PIPE, a copy of file as BEV_SPAWN_FILE unless that is -1,
 * and nothing else of ours; of the environment no more than locale, time zone and LD_LIBRARY_PATH.
 * bound: the kernel kills it when we end, and we read what it writes; one that outlives us has the
 * server's standard error.  Returns its pid, or -1 with errno set.
 */
extern pid_t bev_spawn(char *const argv[], int file, bool bound, BevSpawnEnds *ends);

/* Has the child ended?  Then its exit status is in *status.  Doesn't block. */
extern bool bev_spawn_ended(pid_t pid, int *status);

#endif /* BEV_SERVER_BASE_SPAWN_H */
