/*
 * alert_rules.c - whether something is so wrong that somebody has to be told.
 *
 * Why not raise late, as Prometheus does with "for": what is counted is counted over a
 * window already, and what is rare (an overflow, a restart) doesn't come twice.
 */
#include "common/pipe/alert_rules.h"

#include <stdlib.h>
#include <string.h>

const char *const bev_alert_names[BEV_ALERTS] = {
#define ALERT(name) #name,
	BEV_ALERT_LIST(ALERT)
#undef ALERT
};

#define STEP_MIN 1000 /* ms */

/* What is usual is a mean over so many windows: an hour, if the window is 5 minutes. */
#define USUAL_WINDOWS 12

/* Fewer connections are no spike, whatever is usual. */
#define SPIKE_MIN 100

/*
 * It clears below this part of its threshold.  The journal, where its size is what bounds
 * it, goes up to the bound, loses a third, and so on: that is one alert, not many.
 */
static const double clears_below[BEV_ALERTS] = {
	[BEV_ALERT_error_rate] = 0.8,        [BEV_ALERT_connection_spike] = 0.8,
	[BEV_ALERT_delivery_latency] = 0.8,  [BEV_ALERT_queue_overflows] = 0.8,
	[BEV_ALERT_journal_size] = 0.6,      [BEV_ALERT_gateway_restarts] = 0.8,
	[BEV_ALERT_projector_lag] = 0.8,     [BEV_ALERT_projector_stuck] = 0.8,
	[BEV_ALERT_delivery_outage] = 0.8,   [BEV_ALERT_copied_cluster] = 1,
	[BEV_ALERT_expression_errors] = 0.8, [BEV_ALERT_expressions_suspended] = 1,
	[BEV_ALERT_audiences_refused] = 0.8, [BEV_ALERT_attachments_undecided] = 1,
	[BEV_ALERT_consumer_lag] = 0.8,
};

/* ---- samples ---- */

static uint64_t
step_of(const BevAlertRules *rules)
{
	uint64_t step = rules->window / BEV_ALERT_SAMPLES;

	return step < STEP_MIN ? STEP_MIN : step;
}

static uint64_t
samples_in_window(const BevAlertRules *rules)
{
	uint64_t n = rules->window / step_of(rules);

	return n > 0 ? n : 1;
}

bool
bev_alert_rules_are_due(const BevAlerts *alerts, const BevAlertRules *rules, uint64_t now)
{
	return alerts->samples == 0 || now - alerts->sample[alerts->samples - 1].at >= step_of(rules);
}

/* Move the oldest sample to what is usual: a mean at first, then a moving one. */
static void
retire(BevAlerts *alerts, const BevAlertRules *rules)
{
	uint64_t most = USUAL_WINDOWS * samples_in_window(rules);

	if (alerts->usual_samples < most)
		alerts->usual_samples++;
	else
		alerts->usual_samples = most; /* also when the window was made shorter */
	alerts->usual +=
		(alerts->sample[0].connections - alerts->usual) / (double) alerts->usual_samples;
	alerts->samples--;
	memmove(&alerts->sample[0], &alerts->sample[1], sizeof(BevAlertSample) * alerts->samples);
}

/* One sample from before the window stays, to see how much grew within it. */
static void
add_sample(BevAlerts *alerts, const BevAlertRules *rules, const BevAlertSample *sample)
{
	while (alerts->samples > 1 && sample->at - alerts->sample[1].at >= rules->window)
		retire(alerts, rules);
	if (alerts->samples == BEV_ALERT_SAMPLES + 2)
		retire(alerts, rules); /* the window was made longer */
	alerts->sample[alerts->samples++] = *sample;
}

/* ---- values ---- */

static double
a_minute(uint64_t n, const BevAlertRules *rules)
{
	return (double) n * 60000 / (double) rules->window;
}

static double
error_rate(const BevAlertSample *from, const BevAlertSample *to, const BevAlertRules *rules)
{
	double rate = a_minute(to->errors - from->errors, rules) -
	              a_minute(to->delivered - from->delivered, rules) / 100;

	return rate > 0 ? rate : 0;
}

/* 0 until it is known what is usual. */
static double
connection_spike(const BevAlerts *alerts, const BevAlertSample *to, const BevAlertRules *rules)
{
	if (to->connections <= SPIKE_MIN || alerts->usual_samples < samples_in_window(rules))
		return 0;
	return to->connections / (alerts->usual < 1 ? 1 : alerts->usual);
}

static double
bound_of(int bucket)
{
	return bucket < 0 ? 0 : strtod(bev_counter_names[BEV_COUNT_DELAY_1MS + bucket].value, NULL);
}

/* Evenly spread within its bucket; the last bucket has no end, and counts as its beginning. */
static double
delivery_latency(const BevAlertSample *from, const BevAlertSample *to)
{
	uint64_t total = 0;
	uint64_t below = 0;
	double rank;

	for (int i = 0; i < BEV_ALERT_DELAYS; i++)
		total += to->delays[i] - from->delays[i];
	rank = 0.99 * (double) total;
	for (int i = 0; total > 0 && i < BEV_ALERT_DELAYS - 1; i++)
	{
		uint64_t here = to->delays[i] - from->delays[i];

		if (here > 0 && (double) (below + here) >= rank)
			return bound_of(i - 1) +
			       (bound_of(i) - bound_of(i - 1)) * (rank - (double) below) / (double) here;
		below += here;
	}
	return total > 0 ? bound_of(BEV_ALERT_DELAYS - 2) : 0;
}

/* Behind by so many for a whole window: a large transaction alone isn't worth an alert. */
static double
lag(const BevAlerts *alerts, const BevAlertRules *rules, double (*of)(const BevAlertSample *))
{
	double smallest = of(&alerts->sample[alerts->samples - 1]);

	if (alerts->sample[alerts->samples - 1].at - alerts->sample[0].at < rules->window)
		return 0;
	for (int i = 0; i < alerts->samples; i++)
		if (of(&alerts->sample[i]) < smallest)
			smallest = of(&alerts->sample[i]);
	return smallest;
}

static double
of_projector(const BevAlertSample *sample)
{
	return sample->projector;
}

static double
of_consumer(const BevAlertSample *sample)
{
	return sample->consumer;
}

static double
value_of(const BevAlerts *alerts, BevAlert alert, const BevAlertRules *rules)
{
	const BevAlertSample *from = &alerts->sample[0];
	const BevAlertSample *to = &alerts->sample[alerts->samples - 1];

	switch (alert)
	{
		case BEV_ALERT_error_rate:
			return error_rate(from, to, rules);
		case BEV_ALERT_connection_spike:
			return connection_spike(alerts, to, rules);
		case BEV_ALERT_delivery_latency:
			return delivery_latency(from, to);
		case BEV_ALERT_queue_overflows:
			return (double) (to->overflows - from->overflows);
		case BEV_ALERT_journal_size:
			return to->journal;
		case BEV_ALERT_gateway_restarts:
			return (double) (to->restarts - from->restarts);
		case BEV_ALERT_projector_lag:
			return lag(alerts, rules, of_projector);
		case BEV_ALERT_projector_stuck:
			return to->stuck;
		case BEV_ALERT_delivery_outage:
			return to->outage;
		case BEV_ALERT_copied_cluster:
			return to->copied;
		case BEV_ALERT_expression_errors:
			return (double) (to->expressions - from->expressions);
		case BEV_ALERT_expressions_suspended:
			return to->suspended;
		case BEV_ALERT_audiences_refused:
			return (double) (to->audiences - from->audiences);
		case BEV_ALERT_attachments_undecided:
			return to->undecided;
		case BEV_ALERT_consumer_lag:
			return lag(alerts, rules, of_consumer);
		default:
			return 0;
	}
}

/* ---- raising and clearing ---- */

static void
judge(BevAlerts *alerts, BevAlert alert, const BevAlertRules *rules, uint64_t now)
{
	double threshold = rules->threshold[alert];
	double value = value_of(alerts, alert, rules);
	bool raised = alerts->raised[alert];

	alerts->value[alert] = value;
	if (!raised && threshold > 0 && value >= threshold)
	{
		raised = true;
		alerts->raised_at[alert] = now;
	}
	else if (raised && (threshold == 0 || (value < clears_below[alert] * threshold &&
	                                       now - alerts->raised_at[alert] >= rules->window)))
		raised = false;
	if (raised == alerts->raised[alert])
		return;
	alerts->raised[alert] = raised;
	alerts->tell(alert, raised, value, threshold);
}

void
bev_alert_rules_take(BevAlerts *alerts, const BevAlertRules *rules, const BevAlertSample *sample)
{
	add_sample(alerts, rules, sample);
	for (int alert = 0; alert < BEV_ALERTS; alert++)
		judge(alerts, (BevAlert) alert, rules, sample->at);
}
