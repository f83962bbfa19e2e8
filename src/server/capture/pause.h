/*
 * pause.h - a time in which this process publishes no rows.
 */
#ifndef BEV_SERVER_CAPTURE_PAUSE_H
#define BEV_SERVER_CAPTURE_PAUSE_H

#include "postgres.h"

/*
 * From now on rows that this process writes make no events; or they do again.  For a worker that
 * tells of them in another way.  Whoever pauses it ends that, after an error too.
 */
extern void bev_capture_pause(bool paused);

extern bool bev_capture_is_paused(void);

#endif /* BEV_SERVER_CAPTURE_PAUSE_H */
