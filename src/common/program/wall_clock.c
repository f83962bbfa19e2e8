/*
 * wall_clock.c - what time it is.
 */
#include "common/program/wall_clock.h"

#include <time.h>

int64_t
bev_wall_clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

int64_t
bev_wall_clock(void)
{
	return bev_wall_clock_us() / 1000000;
}
