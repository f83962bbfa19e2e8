/*
 * wall_clock.h - what time it is; it may be set back.
 */
#ifndef BEV_COMMON_PROGRAM_WALL_CLOCK_H
#define BEV_COMMON_PROGRAM_WALL_CLOCK_H

#include <stdint.h>

/* Microseconds since 1970, and whole seconds. */
extern int64_t bev_wall_clock_us(void);
extern int64_t bev_wall_clock(void);

#endif /* BEV_COMMON_PROGRAM_WALL_CLOCK_H */
