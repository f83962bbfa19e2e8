/*
 * subscription_test.c - what a subscription lets pass; the token bucket.
 */
#include <stdlib.h>

#include "common/pipe/bucket.h"
#include "gateway/stream/subscription.h"
#include "tap.h"

static BevSubject
subject_of(const char *const label[4])
{
	BevSpan span[4];

	for (int i = 0; i < 4; i++)
		span[i] = (BevSpan){label[i], (uint32_t) strlen(label[i])};
	return (BevSubject){.type = span[0], .action = span[1], .project = span[2], .bug = span[3]};
}

static void
test_passes(void)
{
	static const struct
	{
		const char *name;
		const char *label[4];
		bool passes;
	} cases[] = {
		{"all four match", {"bug_report", "created", "7", "12"}, true},
		{"the other of two", {"comment", "created", "x", "12"}, true},
		{"another type", {"user", "created", "7", "12"}, false},
		{"another action", {"comment", "deleted", "7", "12"}, false},
		{"another project", {"comment", "created", "77", "12"}, false},
		{"no project", {"comment", "created", "", "12"}, false},
		{"another bug", {"comment", "created", "7", "1"}, false},
		{"no bug", {"comment", "created", "7", ""}, false},
	};
	BevSubscription *subscription = bev_subscription_create();
	BevSubject subject = subject_of(cases[0].label);

	tap_ok(bev_subscription_passes(NULL, &subject), "none passes everything");
	tap_ok(bev_subscription_seal(subscription), "an empty one narrows nothing");
	tap_ok(bev_subscription_passes(subscription, &subject), "and passes everything");
	bev_subscription_free(subscription);
	subscription = bev_subscription_create();
	bev_subscription_add(subscription, BEV_BY_TYPE, "comment");
	bev_subscription_add(subscription, BEV_BY_TYPE, "bug_report");
	bev_subscription_add(subscription, BEV_BY_ACTION, "created");
	bev_subscription_add(subscription, BEV_BY_PROJECT, "x");
	bev_subscription_add(subscription, BEV_BY_PROJECT, "7");
	bev_subscription_add(subscription, BEV_BY_BUG, "12");
	tap_ok(!bev_subscription_seal(subscription), "a full one narrows");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		subject = subject_of(cases[i].label);
		tap_ok(bev_subscription_passes(subscription, &subject) == cases[i].passes, cases[i].name);
	}
	bev_subscription_free(subscription);
	bev_subscription_free(NULL);

	subscription = bev_subscription_create();
	bool good = true;

	for (int i = 0; i < BEV_SUBSCRIPTION_VALUES_MAX; i++)
		good &= bev_subscription_add(subscription, BEV_BY_BUG, "1");
	tap_ok(good && !bev_subscription_add(subscription, BEV_BY_BUG, "1"), "a list has an end");
	bev_subscription_free(subscription);
}

static void
test_bucket(void)
{
	BevBucket bucket;
	int taken = 0;
	double wait;

	bev_bucket_fill(&bucket, 60, 1000);
	while (bev_bucket_take(&bucket, 60, 1000) == 0)
		taken++;
	tap_ok(taken == 60, "as many at once as in a minute");
	wait = bev_bucket_take(&bucket, 60, 1500);
	tap_ok(wait > 0.49 && wait < 0.51, "then one a second");
	tap_ok(bev_bucket_take(&bucket, 60, 2001) == 0, "which comes");
	taken = 0;
	while (bev_bucket_take(&bucket, 60, 10000000) == 0)
		taken++;
	tap_ok(taken == 60, "never more than a minute's");
	tap_ok(bev_bucket_take(&bucket, 0, 10000000) == 0, "no rate, no limit");
}

int
main(void)
{
	test_passes();
	test_bucket();
	return tap_done();
}
