/*
 * alert_rules_test.c - when alerts are raised and cleared, on a clock of our own.
 */
#include <stdio.h>
#include <string.h>

#include "common/pipe/alert_rules.h"
#include "tap.h"

static BevAlerts alerts;
static BevAlertRules rules;
static BevAlertSample now;
static char said[1024]; /* "+name -name " since it was emptied */
static double said_value;

static void
tell(BevAlert alert, bool raised, double value, double threshold)
{
	size_t len = strlen(said);

	snprintf(said + len, sizeof(said) - len, "%c%s ", raised ? '+' : '-', bev_alert_names[alert]);
	said_value = value;
	tap_ok(threshold == rules.threshold[alert] && raised == alerts.raised[alert],
	       "... with its threshold");
}

/* Anew: a window of 5 minutes, all thresholds out of reach but one. */
static void
begin(BevAlert alert, double threshold)
{
	alerts = (BevAlerts){.tell = tell};
	rules = (BevAlertRules){.window = 300000};
	for (int i = 0; i < BEV_ALERTS; i++)
		rules.threshold[i] = 1e9;
	rules.threshold[alert] = threshold;
	now = (BevAlertSample){.at = 1000000000};
	*said = '\0';
}

/* So many seconds pass, and each that is due is looked at. */
static void
pass_seconds(int seconds)
{
	for (int i = 0; i < seconds; i++)
	{
		if (bev_alert_rules_are_due(&alerts, &rules, now.at))
			bev_alert_rules_take(&alerts, &rules, &now);
		now.at += 1000;
	}
}

static bool
says(const char *wanted)
{
	bool same = strcmp(said, wanted) == 0;

	if (!same)
		printf("# said \"%s\" (%f) instead of \"%s\"\n", said, said_value, wanted);
	*said = '\0';
	return same;
}

static void
test_counted(const char *name, BevAlert alert, uint64_t *counter)
{
	char raised[64];
	char cleared[64];

	snprintf(raised, sizeof(raised), "+%s ", name);
	snprintf(cleared, sizeof(cleared), "-%s ", name);
	begin(alert, 3);
	*counter = 1000; /* from before we began */
	pass_seconds(20);
	tap_ok(says(""), "what was counted before is none of it");
	*counter += 2;
	pass_seconds(20);
	tap_ok(says(""), "below the threshold");
	*counter += 1;
	pass_seconds(11);
	tap_ok(says(raised) && said_value == 3, "at the threshold");
	*counter += 5;
	pass_seconds(250);
	tap_ok(says(""), "it is raised once");
	pass_seconds(60);
	tap_ok(says(cleared) && said_value == 0, "cleared when a window has passed without more");
	pass_seconds(600);
	tap_ok(says(""), "... once");
	for (int i = 0; i < 60; i++)
	{
		*counter += 1;
		pass_seconds(200);
	}
	tap_ok(says(""), "as many over a long time are none of it");
}

static void
test_errors(void)
{
	begin(BEV_ALERT_error_rate, 60);
	pass_seconds(10);
	for (int i = 0; i < 400; i++)
	{
		now.errors += 2;
		now.delivered += 10000;
		pass_seconds(1);
	}
	tap_ok(says(""), "errors that are few of many deliveries");
	for (int i = 0; i < 400; i++)
	{
		now.errors += 2;
		now.delivered += 99;
		pass_seconds(1);
	}
	tap_ok(says("+error_rate ") && said_value >= 60, "errors that are many");
	for (int i = 0; i < 400; i++)
	{
		now.errors += 1;
		pass_seconds(1);
	}
	tap_ok(says(""), "at the threshold it stays");
	for (int i = 0; i < 400; i++)
	{
		now.errors += i % 4 != 0;
		pass_seconds(1);
	}
	tap_ok(says("-error_rate ") && said_value < 48, "well below it clears");
}

static void
test_spike(void)
{
	begin(BEV_ALERT_connection_spike, 3);
	now.connections = 900;
	pass_seconds(599);
	tap_ok(says(""), "all at once after a start is no spike");
	now.connections = 2600;
	pass_seconds(200);
	tap_ok(says(""), "less than three times what is usual");
	now.connections = 2800;
	pass_seconds(20);
	tap_ok(says("+connection_spike ") && said_value > 3 && said_value < 3.2,
	       "three times what is usual");
	pass_seconds(4000);
	tap_ok(says("-connection_spike "), "it gets usual");
	begin(BEV_ALERT_connection_spike, 3);
	now.connections = 1;
	pass_seconds(4000);
	now.connections = 100;
	pass_seconds(600);
	tap_ok(says(""), "few connections are no spike, whatever is usual");
	now.connections = 900;
	pass_seconds(11);
	tap_ok(says("+connection_spike "), "more of them are");
	now.connections = 50;
	pass_seconds(280);
	tap_ok(says(""), "it isn't cleared within a window");
	pass_seconds(20);
	tap_ok(says("-connection_spike "), "... but then");
}

static void
test_latency(void)
{
	begin(BEV_ALERT_delivery_latency, 1);
	pass_seconds(10);
	now.delays[0] += 1000; /* up to 1 ms */
	now.delays[BEV_ALERT_DELAYS - 1] += 9;
	pass_seconds(11);
	tap_ok(says(""), "less than one in a hundred is slow");
	now.delays[BEV_ALERT_DELAYS - 1] += 2; /* more than 30 s */
	pass_seconds(11);
	tap_ok(says("+delivery_latency ") && said_value == 30, "more are");
	pass_seconds(300);
	tap_ok(says("-delivery_latency ") && said_value == 0, "nothing is delivered: nothing is slow");
	now.delays[9] += 100; /* 0.5 to 1 s */
	pass_seconds(20);
	tap_ok(says(""), "within the threshold");
	rules.threshold[BEV_ALERT_delivery_latency] = 0.9;
	pass_seconds(10);
	tap_ok(says("+delivery_latency ") && said_value == 0.995,
	       "within a bucket they are spread evenly");
}

static void
test_level(void)
{
	begin(BEV_ALERT_journal_size, 90);
	for (int round = 0; round < 10; round++)
		for (now.journal = 66; now.journal <= 100; now.journal++)
			pass_seconds(20);
	tap_ok(says("+journal_size "), "up to the bound and back by a third is one alert");
	now.journal = 53;
	pass_seconds(20);
	tap_ok(says("-journal_size "), "far below it clears");
	begin(BEV_ALERT_delivery_outage, 300);
	for (now.outage = 0; now.outage < 299; now.outage++)
		pass_seconds(1);
	tap_ok(says(""), "an outage of less than its bound");
	for (; now.outage < 320; now.outage++)
		pass_seconds(1);
	tap_ok(says("+delivery_outage "), "a longer one");
	now.outage = 0;
	pass_seconds(301);
	tap_ok(says("-delivery_outage "), "its end");
	begin(BEV_ALERT_expression_errors, 2);
	pass_seconds(20);
	now.expressions++;
	pass_seconds(20);
	tap_ok(says(""), "one expression that fails");
	now.expressions++;
	pass_seconds(20);
	tap_ok(says("+expression_errors "), "two of them");
	pass_seconds(400);
	tap_ok(says("-expression_errors "), "a window without");
	begin(BEV_ALERT_audiences_refused, 1);
	pass_seconds(20);
	now.audiences++;
	pass_seconds(20);
	tap_ok(says("+audiences_refused "), "an audience that names nobody");
	pass_seconds(400);
	tap_ok(says("-audiences_refused "), "... in a window without");
	begin(BEV_ALERT_attachments_undecided, 1);
	now.undecided = 1;
	pass_seconds(400);
	tap_ok(says("+attachments_undecided "), "a table that decides nothing, as long as it is so");
	now.undecided = 0;
	pass_seconds(400);
	tap_ok(says("-attachments_undecided "), "... and not any more");
	begin(BEV_ALERT_projector_stuck, 300);
	now.stuck = 301;
	pass_seconds(1);
	tap_ok(says("+projector_stuck "), "a projector that doesn't get on");
}

static void
test_lag(void)
{
	begin(BEV_ALERT_projector_lag, 100);
	now.projector = 500;
	pass_seconds(300);
	tap_ok(says(""), "far behind, but not for a whole window");
	pass_seconds(20);
	tap_ok(says("+projector_lag ") && said_value == 500, "far behind for a window");
	pass_seconds(300);
	now.projector = 20;
	pass_seconds(20);
	tap_ok(says("-projector_lag ") && said_value == 20, "it has come near");
	for (int i = 0; i < 100; i++)
	{
		now.projector = i % 20 == 0 ? 99 : 100000;
		pass_seconds(10);
	}
	tap_ok(says(""), "often far behind, but not always");
	begin(BEV_ALERT_consumer_lag, 100);
	now.consumer = 500;
	pass_seconds(320);
	tap_ok(says("+consumer_lag ") && said_value == 500, "a consumer that is far behind");
	now.consumer = 0;
	pass_seconds(320);
	tap_ok(says("-consumer_lag "), "... and reads on");
}

static void
test_rules(void)
{
	begin(BEV_ALERT_journal_size, 0);
	now.journal = 100;
	pass_seconds(700);
	tap_ok(says(""), "a threshold of 0 is off");
	rules.threshold[BEV_ALERT_journal_size] = 90;
	pass_seconds(11);
	tap_ok(says("+journal_size "), "on again");
	rules.threshold[BEV_ALERT_journal_size] = 0;
	pass_seconds(11);
	tap_ok(says("-journal_size "), "off clears at once");

	/* Windows of any length, from one to another. */
	begin(BEV_ALERT_queue_overflows, 1);
	for (uint64_t window = 1000; window <= 86400000; window = window * 7 / 3)
	{
		rules.window = window;
		pass_seconds(100);
	}
	for (; rules.window >= 1000; rules.window = rules.window * 3 / 7)
		pass_seconds(100);
	rules.window = 1000;
	tap_ok(says(""), "windows that change tell nothing");
	now.overflows++;
	pass_seconds(1);
	tap_ok(says("+queue_overflows "), "a window of a second");
	pass_seconds(3);
	tap_ok(says("-queue_overflows "), "... has an end");
}

int
main(void)
{
	test_counted("queue_overflows", BEV_ALERT_queue_overflows, &now.overflows);
	test_counted("gateway_restarts", BEV_ALERT_gateway_restarts, &now.restarts);
	test_errors();
	test_spike();
	test_latency();
	test_level();
	test_lag();
	test_rules();
	return tap_done();
}
