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

/*
 * The projector has told of everything up to one seq, and gathered what is kept of everything up to
 * the other one, which isn't beyond.
 */
extern void bev_progress_set(uint64 told, uint64 gathered);

/* False: there is no projector, or it doesn't know yet where it stands. */
extern bool bev_progress_get(uint64 *told);
extern bool bev_progress_get_gathered(uint64 *gathered);

#endif /* BEV_SERVER_SHARED_PROGRESS_H */
