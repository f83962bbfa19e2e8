/*
 * unix_time.h - the time on the pipe: microseconds since 1970, UTC.
 */
#ifndef BEV_SERVER_BASE_UNIX_TIME_H
#define BEV_SERVER_BASE_UNIX_TIME_H

#include "postgres.h"

#include "datatype/timestamp.h"

#define BEV_UNIX_EPOCH_DIFF ((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

#define BEV_TO_UNIX_TIME(at)   ((int64) (at) + BEV_UNIX_EPOCH_DIFF)
#define BEV_FROM_UNIX_TIME(at) ((TimestampTz) (at) -BEV_UNIX_EPOCH_DIFF)

#endif /* BEV_SERVER_BASE_UNIX_TIME_H */
