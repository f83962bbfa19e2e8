/*
 * bucket_test.c - a token bucket: whoever waits as long as it says gets one.
 */
#include "common/pipe/bucket.h"

#include <stdio.h>
#include <stdlib.h>

#include "tap.h"

/* What a client is told, in its precision. */
static uint64_t
told_ms(double wait)
{
	char text[32];

	snprintf(text, sizeof(text), "%.3f", wait);
	return (uint64_t) (strtod(text, NULL) * 1000 + 0.5);
}

/* Take until it is empty, some ms apart, then wait as told: how often was that too short? */
static int
too_short(uint32_t per_minute, uint64_t apart)
{
	BevBucket bucket;
	uint64_t now = 12345;
	int failures = 0;

	bev_bucket_fill(&bucket, per_minute, now);
	for (int i = 0; i < 2000; i++)
	{
		double wait = bev_bucket_take(&bucket, per_minute, now);

		if (wait > 0)
		{
			now += told_ms(wait);
			failures += bev_bucket_take(&bucket, per_minute, now) > 0;
		}
		now += apart;
	}
	return failures;
}

int
main(void)
{
	static const uint32_t rates[] = {1, 7, 60, 90, 600, 1000, 59999};
	BevBucket bucket;

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
	{
		char name[64];
		int failures = 0;

		for (uint64_t apart = 0; apart < 20; apart++)
			failures += too_short(rates[i], apart);
		snprintf(name, sizeof(name), "%u a minute: waiting as told is enough", rates[i]);
		tap_ok(failures == 0, name);
	}

	bev_bucket_fill(&bucket, 60, 0);
	for (int i = 0; i < 60; i++)
		(void) bev_bucket_take(&bucket, 60, 0);
	tap_ok(bev_bucket_take(&bucket, 60, 0) == 1, "60 a minute: after 60 at once, one in a second");
	tap_ok(bev_bucket_take(&bucket, 60, 998) > 0, "not sooner");
	tap_ok(bev_bucket_take(&bucket, 60, 1000) == 0, "but then");
	tap_ok(bev_bucket_take(&bucket, 60, 1000) > 0, "one");
	tap_ok(bev_bucket_take(&bucket, 0, 0) == 0, "0 is no limit");
	return tap_done();
}
