/*
 * outage.c - whether a channel gets anything out at all.
 *
 * Model: FAILURES attempts in a row that failed and will be repeated, and none that reached the
 * other end, are an outage.  It began with the first of them.  One that succeeds ends it, and so
 * does one that is refused for good, since that is an answer.  That it begins and ends is a line
 * each in the log; since when it lasts is in shared memory, for the metrics, the alert
 * delivery_outage and GET /ready.
 *
 * Cost: a channel that comes and goes is told of once in TELL_INTERVAL.
 *
 * Failure: the next courier knows that there is an outage, not how many attempts failed before it.
 */
#include "notify/courier/outage.h"

#include "server/base/clock.h"
#include "server/shared/delivery_counters.h"

#define FAILURES      3
#define TELL_INTERVAL 60000 /* ms */

static struct
{
	uint64 failures;   /* in a row */
	TimestampTz since; /* the first of them */
	TimestampTz next;  /* when one may be told of again */
	bool told;
} channels[BEV_CHANNELS];

static void
tell_begin(BevDeliveryChannel kind, const char *error)
{
	channels[kind].told = bev_clock_every(&channels[kind].next, TELL_INTERVAL);
	if (channels[kind].told)
		ereport(WARNING,
		        (errmsg("bugevents gets nothing out by %s: %s", bev_delivery_channel_name(kind),
		                error && *error ? error : "no reason was given"),
		         errdetail("%d attempts in a row have failed.", FAILURES),
		         errhint("What waits is tried again, up to bugevents.max_attempts times; "
		                 "bugevents.requeue() sends again what was given up.")));
}

void
bev_outage_note(BevDeliveryChannel kind, const char *error)
{
	if (channels[kind].failures++ == 0)
		channels[kind].since = GetCurrentTimestamp();
	if (channels[kind].failures != FAILURES || bev_delivery_counters_failing_since(kind) != 0)
		return;
	bev_delivery_counters_set_failing(kind, channels[kind].since);
	tell_begin(kind, error);
}

void
bev_outage_end(BevDeliveryChannel kind)
{
	TimestampTz since = bev_delivery_counters_failing_since(kind);
	uint64 failures = channels[kind].failures;
	bool told = channels[kind].told || failures < FAILURES; /* by the courier before */

	channels[kind].failures = 0;
	channels[kind].told = false;
	if (since == 0)
		return;
	bev_delivery_counters_set_failing(kind, 0);
	if (told)
		ereport(LOG, (errmsg("bugevents delivers by %s again, after %ld s and " UINT64_FORMAT
		                     " attempts that failed",
		                     bev_delivery_channel_name(kind),
		                     TimestampDifferenceMilliseconds(since, GetCurrentTimestamp()) / 1000,
		                     failures)));
}
