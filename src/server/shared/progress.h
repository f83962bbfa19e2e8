/*
 * progress.h - how far the projector has come, for other processes.
 */
#ifndef BEV_SERVER_SHARED_PROGRESS_H
#define BEV_SERVER_SHARED_PROGRESS_H

#include "postgres.h"

#include "server/base/shared_area.h"

extern const BevSharedArea bev_progress_area;

/* The calling process is the projector, and doesn't know yet where it stands; until it exits. */
extern void bev_progress_begin(void);

/* The projector has read everything up to this seq. */
extern void bev_progress_set(uint64 seq);

/* False: there is no projector, or it doesn't know yet where it stands. */
extern bool bev_progress_get(uint64 *seq);

#endif /* BEV_SERVER_SHARED_PROGRESS_H */
