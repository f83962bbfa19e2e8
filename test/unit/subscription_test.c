/*
 * subscription_test.c - what a subscription lets pass; the token bucket.
 */
#include <stdlib.h>

#include "common/pipe/bucket.h"
#include "gateway/stream/subscription.h"
#include "tap.h"

static void
test_passes(void)
{
	static const struct
	{
		const char *name;
		BeLabels	labels;
		bool		passes;
	}			cases[] = {
		{"all four match", {"bug_report", "created", "7", "12"}, true},
		{"the other of two", {"comment", "created", "x", "12"}, true},
		{"another type", {"user", "created", "7", "12"}, false},
		{"another action", {"comment", "deleted", "7", "12"}, false},
		{"another project", {"comment", "created", "77", "12"}, false},
		{"no project", {"comment", "created", "", "12"}, false},
		{"another bug", {"comment", "created", "7", "1"}, false},
		{"no bug", {"comment", "created", "7", ""}, false},
	};
	BeSubscription *subscription = be_subscription_create();

	tap_ok(be_subscription_passes(NULL, &cases[0].labels), "none passes everything");
	tap_ok(be_subscription_seal(subscription), "an empty one narrows nothing");
	tap_ok(be_subscription_passes(subscription, &cases[0].labels), "and passes everything");
	be_subscription_add(subscription, BE_BY_TYPE, "comment");
	be_subscription_add(subscription, BE_BY_TYPE, "bug_report");
	be_subscription_add(subscription, BE_BY_ACTION, "created");
	be_subscription_add(subscription, BE_BY_PROJECT, "x");
	be_subscription_add(subscription, BE_BY_PROJECT, "7");
	be_subscription_add(subscription, BE_BY_BUG, "12");
	tap_ok(!be_subscription_seal(subscription), "a full one narrows");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		tap_ok(be_subscription_passes(subscription, &cases[i].labels) ==
			   cases[i].passes, cases[i].name);
	be_subscription_free(subscription);
	be_subscription_free(NULL);

	subscription = be_subscription_create();
	bool		good = true;

	for (int i = 0; i < BE_SUBSCRIPTION_MAX; i++)
		good &= be_subscription_add(subscription, BE_BY_BUG, "1");
	tap_ok(good && !be_subscription_add(subscription, BE_BY_BUG, "1"), "a list has an end");
	be_subscription_free(subscription);
}

static void
test_bucket(void)
{
	BeBucket	bucket;
	int			taken = 0;
	double		wait;

	be_bucket_fill(&bucket, 60, 1000);
	while (be_bucket_take(&bucket, 60, 1000) == 0)
		taken++;
	tap_ok(taken == 60, "as many at once as in a minute");
	wait = be_bucket_take(&bucket, 60, 1500);
	tap_ok(wait > 0.49 && wait < 0.51, "then one a second");
	tap_ok(be_bucket_take(&bucket, 60, 2001) == 0, "which comes");
	taken = 0;
	while (be_bucket_take(&bucket, 60, 10000000) == 0)
		taken++;
	tap_ok(taken == 60, "never more than a minute's");
	tap_ok(be_bucket_take(&bucket, 0, 10000000) == 0, "no rate, no limit");
}

int
main(void)
{
	test_passes();
	test_bucket();
	return tap_done();
}
