/*
 * exposition.c - the metrics as text, as Prometheus reads them.
 */
#include "server/monitor/exposition.h"

#include "common/shortest_dec.h"
#include "server/monitor/metrics.h"

typedef struct Exposition
{
	StringInfo text;
	const char *family; /* the last one */
} Exposition;

static const char *const type_names[] = {
	[BEV_METRIC_GAUGE] = "gauge",
	[BEV_METRIC_COUNTER] = "counter",
	[BEV_METRIC_HISTOGRAM] = "histogram",
};

static void
write_metric(void *arg, const BevMetric *metric)
{
	Exposition *exposition = arg;
	StringInfo text = exposition->text;
	char number[DOUBLE_SHORTEST_DECIMAL_LEN];

	if (metric->family != exposition->family)
		appendStringInfo(text, "# HELP %s %s\n# TYPE %s %s\n", metric->family, metric->help,
		                 metric->family, type_names[metric->type]);
	exposition->family = metric->family;
	double_to_shortest_decimal_buf(metric->value, number);
	appendStringInfo(text, *metric->labels ? "%s{%s} %s\n" : "%s%s %s\n", metric->name,
	                 metric->labels, number);
}

void
bev_exposition_write(StringInfo text)
{
	Exposition exposition = {.text = text};

	bev_metrics_list(write_metric, &exposition);
}
