/*
 * bucket.c - a token bucket.
 */
#include "common/pipe/bucket.h"

void
be_bucket_fill(BeBucket *bucket, uint32_t per_minute, uint64_t now)
{
	*bucket = (BeBucket) {.left = (uint64_t) per_minute * BE_BUCKET_ONE,.at = now};
}

double
be_bucket_take(BeBucket *bucket, uint32_t per_minute, uint64_t now)
{
	uint64_t	most = (uint64_t) per_minute * BE_BUCKET_ONE;

	if (per_minute == 0)
		return 0;

	/* A minute fills it; the longest time that is looked at doesn't overflow. */
	bucket->left += (now - bucket->at < 60000 ? now - bucket->at : 60000) * per_minute;
	bucket->at = now;
	if (bucket->left > most)
		bucket->left = most;	/* also when the rate was lowered */
	if (bucket->left < BE_BUCKET_ONE)
		return ((BE_BUCKET_ONE - bucket->left + per_minute - 1) / per_minute) / 1000.0;
	bucket->left -= BE_BUCKET_ONE;
	return 0;
}
