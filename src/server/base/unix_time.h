/*
 * unix_time.h - the time on the pipe: microseconds since 1970, UTC.
 */
#ifndef BE_SERVER_BASE_UNIX_TIME_H
#define BE_SERVER_BASE_UNIX_TIME_H

#include "postgres.h"

#include "datatype/timestamp.h"

#define BE_UNIX_EPOCH_DIFF \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

#define BE_TO_UNIX_TIME(at)		((int64) (at) + BE_UNIX_EPOCH_DIFF)

#endif							/* BE_SERVER_BASE_UNIX_TIME_H */
