/*
 * alert_rules.h - whether something is so wrong that somebody has to be told.
 *
 * Model: a sample of counters and levels is taken a few times in a window of time, and kept as long
 * as the window.  What an alert is about is how much a counter grew within the window, or the last
 * sample's level, or the smallest of all.  A value at the threshold raises the alert.  It is
 * cleared when the value is well below, and not before a window has passed, so that a value that
 * goes up and down is told twice in a window at most.
 *
 *	samples     |----|----|----|----|----|----|   now
 *	            <--------- window ------------>
 *	  older ones: how many connections are usual
 *
 * Pure C; the time is given (ms), so that tests can move it.
 */
#ifndef BEV_COMMON_PIPE_ALERT_RULES_H
#define BEV_COMMON_PIPE_ALERT_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/pipe/counter.h"

/* ALERT(name) */
#define BEV_ALERT_LIST(ALERT) \
	ALERT(error_rate)        /* not the clients' errors, a minute, beyond 1 % of deliveries */ \
	ALERT(connection_spike)  /* times as many connections as usual, if they are more than 100 */ \
	ALERT(delivery_latency)  /* s from commit to socket, of the slowest 1 % */ \
	ALERT(queue_overflows)   /* transactions that found the queue full */ \
	ALERT(journal_size)      /* % of bugevents.retention_size */ \
	ALERT(gateway_restarts)  /* of gateways that ended by themselves */ \
	ALERT(projector_lag)     /* events that the projector was behind all the time */ \
	ALERT(projector_stuck)   /* s for which it has not moved, though there are events */ \
	ALERT(delivery_outage)   /* s for which nothing has got out by a channel */ \
	ALERT(copied_cluster)    /* 1: a copy of the database that sends, so nothing is sent */ \
	ALERT(expression_errors) /* of attachments, which spoil what they give */ \
	ALERT(expressions_suspended) /* tables whose expressions took too long again and again */ \
	ALERT(audiences_refused)     /* values that name nobody, so that only admins see the rows */ \
	ALERT(attachments_undecided) /* tables that would decide, attached by who may not */ \
	ALERT(consumer_lag)          /* events that the slowest consumer was behind all the time */

typedef enum BevAlert
{
#define ALERT(name) BEV_ALERT_##name,
	BEV_ALERT_LIST(ALERT)
#undef ALERT
	BEV_ALERTS
} BevAlert;

extern const char *const bev_alert_names[BEV_ALERTS];

#define BEV_ALERT_DELAYS (BEV_COUNT_DELAY_MORE - BEV_COUNT_DELAY_1MS + 1)

typedef struct BevAlertSample
{
	uint64_t at;

	/* Counters */
	uint64_t errors;
	uint64_t delivered;
	uint64_t delays[BEV_ALERT_DELAYS]; /* as counted, by bucket */
	uint64_t overflows;
	uint64_t restarts;
	uint64_t expressions; /* that failed */
	uint64_t audiences;   /* that were refused */

	/* Levels */
	double connections;
	double journal;   /* % of its bound; 0: it has none */
	double projector; /* events that it is behind */
	double consumer;  /* events that the slowest one is behind */
	double stuck;     /* s for which it has been where it is */
	double outage;    /* s, of the channel that is the worst */
	double copied;    /* 1: yes */
	double suspended; /* tables */
	double undecided; /* tables */
} BevAlertSample;

typedef struct BevAlertRules
{
	uint64_t window;
	double threshold[BEV_ALERTS]; /* 0: off */
} BevAlertRules;

/* So many samples are taken in a window. */
#define BEV_ALERT_SAMPLES 30

typedef struct BevAlerts
{
	/* An alert is raised or cleared. */
	void (*tell)(BevAlert alert, bool raised, double value, double threshold);
	BevAlertSample sample[BEV_ALERT_SAMPLES + 2]; /* the oldest first */
	int samples;
	double usual;             /* connections */
	uint64_t usual_samples;   /* that it is made of */
	double value[BEV_ALERTS]; /* by the last sample */
	bool raised[BEV_ALERTS];
	uint64_t raised_at[BEV_ALERTS];
} BevAlerts;

/* Is it time for a sample?  Not more often than once a second.  Zeroed: nothing yet. */
extern bool bev_alert_rules_are_due(const BevAlerts *alerts, const BevAlertRules *rules,
                                    uint64_t now);

/* Take a sample, and tell what changes by it. */
extern void bev_alert_rules_take(BevAlerts *alerts, const BevAlertRules *rules,
                                 const BevAlertSample *sample);

#endif /* BEV_COMMON_PIPE_ALERT_RULES_H */
