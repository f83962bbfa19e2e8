/*
 * progress.h - how far the projector has come, for other processes.
 */
#ifndef BE_SERVER_SHARED_PROGRESS_H
#define BE_SERVER_SHARED_PROGRESS_H

#include "postgres.h"

extern void be_progress_request(void);
extern void be_progress_startup(void);

/* The calling process is the projector, and doesn't know yet where it stands; until it exits. */
extern void be_progress_begin(void);

/* The projector has read everything up to this seq. */
extern void be_progress_set(uint64 seq);

/* False: there is no projector, or it doesn't know yet where it stands. */
extern bool be_progress_get(uint64 *seq);

#endif							/* BE_SERVER_SHARED_PROGRESS_H */
