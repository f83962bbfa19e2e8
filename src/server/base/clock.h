/*
 * clock.h - waiting for a time, on a clock that may be set.
 */
#ifndef BEV_SERVER_BASE_CLOCK_H
#define BEV_SERVER_BASE_CLOCK_H

#include "postgres.h"

#include "utils/timestamp.h"

/*
 * Has a time come that was set no more than ms ahead?  If it is further away now, the clock was
 * set back, and it has, too.
 */
static inline bool
bev_clock_has_come(TimestampTz then, long ms)
{
	TimestampTz now = GetCurrentTimestamp();

	return now >= then || TimestampTzPlusMilliseconds(now, ms) < then;
}

/* The time so far ahead. */
static inline TimestampTz
bev_clock_ahead(long ms)
{
	return TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ms);
}

/* Is it time for what is done every ms at the most?  Then *next is when it is time again. */
static inline bool
bev_clock_every(TimestampTz *next, long ms)
{
	if (!bev_clock_has_come(*next, ms))
		return false;
	*next = bev_clock_ahead(ms);
	return true;
}

#endif /* BEV_SERVER_BASE_CLOCK_H */
