/*
 * metrics.h - every metric, one after the other.
 */
#ifndef BE_SERVER_MONITOR_METRICS_H
#define BE_SERVER_MONITOR_METRICS_H

#include "postgres.h"

typedef enum BeMetricType
{
	BE_METRIC_GAUGE,
	BE_METRIC_COUNTER,
	BE_METRIC_HISTOGRAM
} BeMetricType;

typedef struct BeMetric
{
	const char *family;			/* what type and help are about */
	BeMetricType type;
	const char *help;
	const char *name;			/* the family's, or a histogram's part of it */
	const char *labels;			/* 'code="forbidden"', or empty */
	double		value;
} BeMetric;

/*
 * Hand each metric to sink; those of a family come together.  In a transaction; looks at
 * the journal's tables, and so may wait for a lock.
 */
extern void be_metrics_list(void (*sink) (void *arg, const BeMetric *metric), void *arg);

#endif							/* BE_SERVER_MONITOR_METRICS_H */
