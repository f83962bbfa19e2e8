/*
 * metrics.h - every metric, one after the other.
 */
#ifndef BEV_SERVER_MONITOR_METRICS_H
#define BEV_SERVER_MONITOR_METRICS_H

#include "postgres.h"

typedef enum BevMetricType
{
	BEV_METRIC_GAUGE,
	BEV_METRIC_COUNTER,
	BEV_METRIC_HISTOGRAM
} BevMetricType;

typedef struct BevMetric
{
	const char *family; /* what type and help are about */
	BevMetricType type;
	const char *help;
	const char *name;   /* the family's, or a histogram's part of it */
	const char *labels; /* 'code="forbidden"', or empty */
	double value;
} BevMetric;

/*
 * Hand each metric to sink; those of a family come together.  In a transaction; looks at
 * the journal's tables, and so may wait for a lock.
 */
extern void bev_metrics_list(void (*sink)(void *arg, const BevMetric *metric), void *arg);

#endif /* BEV_SERVER_MONITOR_METRICS_H */
