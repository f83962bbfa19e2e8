/*
 * time_limit.h - a limit on the time of what a worker, or a commit, does for somebody.
 */
#ifndef BEV_SERVER_BASE_TIME_LIMIT_H
#define BEV_SERVER_BASE_TIME_LIMIT_H

#include "postgres.h"

/*
 * From here to end() or after ms: what runs is cancelled then, with ERRCODE_QUERY_CANCELED.  They
 * don't nest.  An error doesn't end it: the caller that catches it does.
 */
extern void bev_time_limit_begin(int ms);
extern void bev_time_limit_end(void);

/* Is there one? */
extern bool bev_time_limit_is_set(void);

/* Did the last one run out? */
extern bool bev_time_limit_exceeded(void);

#endif /* BEV_SERVER_BASE_TIME_LIMIT_H */
