/*
 * bucket.h - a token bucket: so many messages a minute, so many at once.
 *
 * Pure C; the time is given, so that tests can move it.
 */
#ifndef BEV_COMMON_PIPE_BUCKET_H
#define BEV_COMMON_PIPE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

/* So that what a millisecond brings is whole, and nothing is lost by rounding. */
#define BEV_BUCKET_ONE 60000

typedef struct BevBucket
{
	uint64_t left; /* in parts of one: BEV_BUCKET_ONE are one */
	uint64_t at;   /* ms, when left was true */
} BevBucket;

/* A full bucket. */
extern void bev_bucket_fill(BevBucket *bucket, uint32_t per_minute, uint64_t now);

/*
 * Take one.  0: taken; else in how many seconds there will be one, in whole
 * milliseconds.  A rate of 0 is no limit.
 */
extern double bev_bucket_take(BevBucket *bucket, uint32_t per_minute, uint64_t now);

/* So many were taken elsewhere: it has that many less, or none. */
extern void bev_bucket_spend(BevBucket *bucket, uint32_t per_minute, uint32_t times, uint64_t now);

#endif /* BEV_COMMON_PIPE_BUCKET_H */
