/*
 * bucket.c - a token bucket.
 */
#include "common/pipe/bucket.h"

void
bev_bucket_fill(BevBucket *bucket, uint32_t per_minute, uint64_t now)
{
	*bucket = (BevBucket){.left = (uint64_t) per_minute * BEV_BUCKET_ONE, .at = now};
}

/* Add what has come since. */
static void
refill(BevBucket *bucket, uint32_t per_minute, uint64_t now)
{
	uint64_t most = (uint64_t) per_minute * BEV_BUCKET_ONE;

	/* A minute fills it; the longest time that is looked at doesn't overflow. */
	bucket->left += (now - bucket->at < 60000 ? now - bucket->at : 60000) * per_minute;
	bucket->at = now;
	if (bucket->left > most)
		bucket->left = most; /* also when the rate was lowered */
}

double
bev_bucket_take(BevBucket *bucket, uint32_t per_minute, uint64_t now)
{
	if (per_minute == 0)
		return 0;
	refill(bucket, per_minute, now);
	if (bucket->left < BEV_BUCKET_ONE)
		return ((BEV_BUCKET_ONE - bucket->left + per_minute - 1) / per_minute) / 1000.0;
	bucket->left -= BEV_BUCKET_ONE;
	return 0;
}

void
bev_bucket_spend(BevBucket *bucket, uint32_t per_minute, uint32_t times, uint64_t now)
{
	uint64_t spent = (uint64_t) times * BEV_BUCKET_ONE;

	refill(bucket, per_minute, now);
	bucket->left -= spent < bucket->left ? spent : bucket->left;
}
