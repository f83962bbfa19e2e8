/*
 * bucket.c - a token bucket.
 */
#include "pipe/bucket.h"

void
be_bucket_fill(BeBucket *bucket, uint32_t per_minute, uint64_t now)
{
	*bucket = (BeBucket) {.left = per_minute,.at = now};
}

double
be_bucket_take(BeBucket *bucket, uint32_t per_minute, uint64_t now)
{
	double		per_ms = per_minute / 60000.0;

	if (per_minute == 0)
		return 0;
	bucket->left += (double) (now - bucket->at) * per_ms;
	bucket->at = now;
	if (bucket->left > per_minute)
		bucket->left = per_minute;	/* also when the rate was lowered */
	if (bucket->left < 1)
		return (1 - bucket->left) / per_ms / 1000;
	bucket->left -= 1;
	return 0;
}
