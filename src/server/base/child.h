/*
 * child.h - a program of ours as a child process: its start, its end, and when it starts again.
 */
#ifndef BEV_SERVER_BASE_CHILD_H
#define BEV_SERVER_BASE_CHILD_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "server/base/spawn.h"

/* All zero but for longest: it has not been started yet. */
typedef struct BevChild
{
	int longest; /* ms that pass until it is started again, at the most */
	pid_t pid;   /* 0: it doesn't run */
	int delay;   /* ms that pass this time */
	TimestampTz started;
	TimestampTz not_before; /* of the next start */
} BevChild;

/* Doesn't it run, and has the time come to start it? */
extern bool bev_child_is_due(const BevChild *child);

/*
 * Start it, as bev_spawn does.  False: it couldn't be, which is logged (name is whose start that
 * was), and it is due again later.
 */
extern bool bev_child_start(BevChild *child, const char *name, char *const argv[], int file,
                            bool bound, BevSpawnEnds *ends);

/* Did it run, and has it ended?  Then it is due again later; *status says how.  Doesn't block. */
extern bool bev_child_ended(BevChild *child, int *status);

/* Kill it, if it runs; that it has ended is found as if it had by itself. */
extern void bev_child_kill(const BevChild *child);

#endif /* BEV_SERVER_BASE_CHILD_H */
