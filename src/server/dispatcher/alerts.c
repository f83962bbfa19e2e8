/*
 * alert_rules.c - telling when something is wrong (bugevents.alert_...).
 *
 * Model: once a few seconds a sample of the counters that the metrics are made of; common/pipe/alert_rules.h
 * says what is worth telling.  That becomes a line of the log, the metric
 * bugevents_alerts, and an event for admins, which the responder publishes as
 * bugevents.send() would: its transaction may wait for disk or a standby, and the dispatcher must not.
 *
 * Cost: reading some thirty numbers and, with bugevents.retention_size, the sizes of five tables, 30 times in
 * bugevents.alert_window and once a second at most.
 *
 * Failure: without a responder the event is missing, the log isn't.
 */
#include "postgres.h"

#include "server/dispatcher/alerts.h"

#include "server/shared/counters.h"
#include "server/shared/progress.h"
#include "server/admission/admission.h"
#include "server/dispatcher/questions.h"
#include "server/base/settings.h"
#include "server/journal/journal.h"
#include "lib/stringinfo.h"
#include "common/pipe/alert_rules.h"
#include "server/queue/queue.h"
#include "utils/timestamp.h"

static void tell(BeAlert alert, bool raised, double value, double threshold);

static BeAlerts alerts = {.tell = tell};

void
be_alerts_begin(void)
{
	for (int alert = 0; alert < BE_ALERTS; alert++)
		be_counters_set_alert(alert, false);
}

/* A line for the log: fields as NAME=VALUE, in an order that stays. */
static void
tell(BeAlert alert, bool raised, double value, double threshold)
{
	const char *state = raised ? "raised" : "cleared";
	StringInfoData payload;

	ereport(raised ? WARNING : LOG,
			(errmsg("bugevents alert: name=%s state=%s value=%.3f threshold=%.3f",
					be_alert_names[alert], state, value, threshold)));
	be_counters_set_alert(alert, raised);
	initStringInfo(&payload);
	appendStringInfo(&payload, "{\"name\":\"%s\",\"value\":%.3f,\"threshold\":%.3f,\"window\":%d}",
					 be_alert_names[alert], value, threshold, be_alert_window);
	be_questions_alert(state, payload.data);
}

/* All off, soon. */
static BeAlertRules
no_rules(void)
{
	return (BeAlertRules) {.window = 1000};
}

static BeAlertRules
current_rules(void)
{
	return (BeAlertRules) {
		.window = (uint64) be_alert_window * 1000,
		.threshold = {
			[BE_ALERT_error_rate] = be_alert_error_rate,
			[BE_ALERT_connection_spike] = be_alert_connection_spike,
			[BE_ALERT_delivery_latency] = be_alert_delivery_latency / 1000.0,
			[BE_ALERT_queue_overflows] = be_alert_queue_overflows,
			[BE_ALERT_journal_size] = be_alert_journal_size,
			[BE_ALERT_gateway_restarts] = be_alert_gateway_restarts,
			[BE_ALERT_projector_lag] = be_alert_projector_lag
		}
	};
}

/* Those that are the server's or the network's, not the clients' own. */
static uint64
count_errors(void)
{
	return be_counters_get(BE_COUNT_ERROR_internal_error) +
		be_counters_get(BE_COUNT_ERROR_connection_timeout) +
		be_counters_get(BE_COUNT_ERROR_too_far_behind) +
		be_counters_get(BE_COUNT_ERROR_resync_required);
}

/* One that doesn't run, but should, stays where it was last; or where we saw it missing. */
static uint64
projector_lag(void)
{
	static uint64 last = 0;
	uint64		next = be_queue_next_seq();
	uint64		done;

	if (be_progress_get(&done))
		last = done;
	else if (!be_projector || last == 0)
		last = next;
	return next <= last + 1 ? 0 : next - 1 - last;
}

static void
take_sample(BeAlertSample *sample)
{
	*sample = (BeAlertSample) {
		.at = GetCurrentTimestamp() / 1000,
		.errors = count_errors(),
		.delivered = be_counters_get(BE_COUNT_DELIVERED),
		.overflows = be_queue_overflows(),
		.restarts = be_counters_get(BE_COUNT_RESTARTS),
		.connections = be_admission_count(),
		.projector = projector_lag()
	};
	for (int i = 0; i < BE_ALERT_DELAYS; i++)
		sample->delays[i] = be_counters_get(BE_COUNT_DELAY_1MS + i);
	if (be_retention_size > 0)
		sample->journal = 100.0 * be_journal_bytes() / (be_retention_size * 1024.0);
}

void
be_alerts_run(void)
{
	BeAlertRules rules = be_alert_window > 0 ? current_rules() : no_rules();
	BeAlertSample sample;

	if (!be_alerts_are_due(&alerts, &rules, GetCurrentTimestamp() / 1000))
		return;
	take_sample(&sample);
	be_alerts_take(&alerts, &rules, &sample);
}
