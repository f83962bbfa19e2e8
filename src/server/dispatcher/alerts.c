/*
 * alerts.c - telling when something is wrong (bugevents.alert_...).
 *
 * Model: once a few seconds a sample of the counters that the metrics are made of;
 * common/pipe/alert_rules.h says what is worth telling.  That becomes a line of the log, the metric
 * bugevents_alerts, and an event for admins, which the responder publishes as bugevents.send()
 * would: its transaction may wait for disk or a standby, and the dispatcher must not.
 *
 * Cost: reading some thirty numbers and, with bugevents.retention_size, the sizes of five tables,
 * 30 times in bugevents.alert_window and once a second at most.
 *
 * Failure: without a responder the event is missing, the log isn't.
 */
#include "postgres.h"

#include "server/dispatcher/alerts.h"

#include "access/xlog.h"
#include "server/shared/counters.h"
#include "server/shared/delivery_counters.h"
#include "server/shared/expression_stats.h"
#include "server/shared/progress.h"
#include "server/admission/admission.h"
#include "server/dispatcher/questions.h"
#include "server/base/settings.h"
#include "server/journal/journal.h"
#include "lib/stringinfo.h"
#include "common/pipe/alert_rules.h"
#include "server/queue/queue.h"
#include "utils/timestamp.h"

static void tell(BevAlert alert, bool raised, double value, double threshold);

static BevAlerts alerts = {.tell = tell};

void
bev_alerts_begin(void)
{
	for (int alert = 0; alert < BEV_ALERTS; alert++)
		bev_counters_set_alert(alert, false);
}

/* A line for the log: fields as NAME=VALUE, in an order that stays. */
static void
tell(BevAlert alert, bool raised, double value, double threshold)
{
	const char *state = raised ? "raised" : "cleared";
	StringInfoData payload;

	ereport(raised ? WARNING : LOG,
	        (errmsg("bugevents alert: name=%s state=%s value=%.3f threshold=%.3f",
	                bev_alert_names[alert], state, value, threshold)));
	bev_counters_set_alert(alert, raised);
	initStringInfo(&payload);
	appendStringInfo(&payload, "{\"name\":\"%s\",\"value\":%.3f,\"threshold\":%.3f,\"window\":%d}",
	                 bev_alert_names[alert], value, threshold, bev_alert_window);
	if (!RecoveryInProgress()) /* a standby can't publish */
		bev_questions_alert(state, payload.data);
}

/* All off, soon. */
static BevAlertRules
no_rules(void)
{
	return (BevAlertRules){.window = 1000};
}

static BevAlertRules
current_rules(void)
{
	return (BevAlertRules){
		.window = (uint64) bev_alert_window * 1000,
		.threshold = {[BEV_ALERT_error_rate] = bev_alert_error_rate,
	                  [BEV_ALERT_connection_spike] = bev_alert_connection_spike,
	                  [BEV_ALERT_delivery_latency] = bev_alert_delivery_latency / 1000.0,
	                  [BEV_ALERT_queue_overflows] = bev_alert_queue_overflows,
	                  [BEV_ALERT_journal_size] = bev_alert_journal_size,
	                  [BEV_ALERT_gateway_restarts] = bev_alert_gateway_restarts,
	                  [BEV_ALERT_projector_lag] = bev_alert_projector_lag,
	                  [BEV_ALERT_projector_stuck] = bev_alert_projector_stuck,
	                  [BEV_ALERT_delivery_outage] = bev_alert_delivery_outage,
	                  [BEV_ALERT_copied_cluster] = 1,
	                  [BEV_ALERT_expression_errors] = bev_alert_expression_errors,
	                  [BEV_ALERT_expressions_suspended] = 1,
	                  [BEV_ALERT_audiences_refused] = 1,
	                  [BEV_ALERT_attachments_undecided] = 1,
	                  [BEV_ALERT_consumer_lag] = bev_alert_consumer_lag}};
}

/* Those that are the server's or the network's, not the clients' own. */
static uint64
count_errors(void)
{
	return bev_counters_get(BEV_COUNT_ERROR_internal_error) +
	       bev_counters_get(BEV_COUNT_ERROR_connection_timeout) +
	       bev_counters_get(BEV_COUNT_ERROR_too_far_behind) +
	       bev_counters_get(BEV_COUNT_ERROR_resync_required);
}

/*
 * One that doesn't run, but should, stays where it was last; or where we saw it missing.  What
 * waits may have come just now: it counts from the look that found it, not from the one before.
 */
static void
look_at_projector(BevAlertSample *sample)
{
	static uint64 last = 0;
	static bool waits = false; /* there was something to do */
	static TimestampTz since;  /* ... and it didn't move */
	uint64 before = last;
	uint64 next = bev_queue_next_seq();
	uint64 done;

	if (bev_progress_get(&done))
		last = done;
	else if (!bev_projector || last == 0)
		last = next;
	if (last != before || !waits)
		since = GetCurrentTimestamp();
	waits = next > last + 1;
	if (!waits)
		return;
	sample->projector = next - 1 - last;
	sample->stuck = TimestampDifferenceMilliseconds(since, GetCurrentTimestamp()) / 1000.0;
}

/* Without any they have read everything. */
static double
consumer_lag(void)
{
	uint64 next = bev_queue_next_seq();
	uint64 slowest;

	if (bev_counters_consumers(&slowest) == 0 || next <= slowest + 1)
		return 0;
	return next - 1 - slowest;
}

static void
take_sample(BevAlertSample *sample)
{
	*sample = (BevAlertSample){.at = GetCurrentTimestamp() / 1000,
	                           .errors = count_errors(),
	                           .delivered = bev_counters_get(BEV_COUNT_DELIVERED),
	                           .overflows = bev_queue_overflows(),
	                           .restarts = bev_counters_get(BEV_COUNT_RESTARTS),
	                           .expressions = bev_expression_stats_all_errors(),
	                           .audiences = bev_counters_audiences_refused(),
	                           .connections = bev_admission_count()};
	look_at_projector(sample);
	sample->consumer = consumer_lag();
	sample->copied = bev_delivery_counters_copied();
	sample->undecided = bev_counters_undecided();
	sample->suspended = bev_expression_stats_count_suspended();
	for (int kind = 0; kind < BEV_CHANNELS; kind++)
		sample->outage =
			Max(sample->outage, bev_delivery_counters_outage((BevDeliveryChannel) kind));
	for (int i = 0; i < BEV_ALERT_DELAYS; i++)
		sample->delays[i] = bev_counters_get(BEV_COUNT_DELAY_1MS + i);
	if (bev_retention_size > 0)
		sample->journal = 100.0 * bev_journal_bytes() / (bev_retention_size * 1024.0);
}

void
bev_alerts_run(void)
{
	BevAlertRules rules = bev_alert_window > 0 ? current_rules() : no_rules();
	BevAlertSample sample;

	if (!bev_alert_rules_are_due(&alerts, &rules, GetCurrentTimestamp() / 1000))
		return;
	take_sample(&sample);
	bev_alert_rules_take(&alerts, &rules, &sample);
	for (int alert = 0; alert < BEV_ALERTS; alert++)
		bev_counters_measure_alert((BevAlert) alert, alerts.value[alert], rules.threshold[alert]);
}
