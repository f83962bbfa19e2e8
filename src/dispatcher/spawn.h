/*
 * spawn.h - starting the gateway program, and seeing it end.
 */
#ifndef BE_SPAWN_H
#define BE_SPAWN_H

#include "postgres.h"

/*
 * Start gateway number as a child process.  Returns its pid, with *fd the
 * non-blocking end of the pipe that is ours; or -1 with errno set.
 */
extern pid_t be_spawn_gateway(int number, int *fd);

/* Has the child ended?  Then its exit status is in *status.  Doesn't block. */
extern bool be_spawn_ended(pid_t pid, int *status);

#endif							/* BE_SPAWN_H */
