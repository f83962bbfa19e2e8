/*
 * bucket.h - a token bucket: so many messages a minute, so many at once.
 *
 * Pure C; the time is given, so that tests can move it.
 */
#ifndef BE_COMMON_PIPE_BUCKET_H
#define BE_COMMON_PIPE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

/* So that what a millisecond brings is whole, and nothing is lost by rounding. */
#define BE_BUCKET_ONE	60000

typedef struct BeBucket
{
	uint64_t	left;			/* in parts of one: BE_BUCKET_ONE are one */
	uint64_t	at;				/* ms, when left was true */
} BeBucket;

/* A full bucket. */
extern void be_bucket_fill(BeBucket *bucket, uint32_t per_minute, uint64_t now);

/*
 * Take one.  0: taken; else in how many seconds there will be one, in whole
 * milliseconds.  A rate of 0 is no limit.
 */
extern double be_bucket_take(BeBucket *bucket, uint32_t per_minute, uint64_t now);

#endif							/* BE_COMMON_PIPE_BUCKET_H */
