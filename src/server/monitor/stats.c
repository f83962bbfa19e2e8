/*
 * stats.c - bugevents.stats: the metrics as rows.
 */
#include "postgres.h"

#include "server/base/settings.h"
#include "server/base/compat.h"
#include "funcapi.h"
#include "server/monitor/metrics.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

BEV_FUNCTION_INFO_V1(bugevents_stats);

static void
put_row(void *arg, const BevMetric *metric)
{
	ReturnSetInfo *result = arg;
	Datum values[3] = {CStringGetTextDatum(metric->name), CStringGetTextDatum(metric->labels),
	                   Float8GetDatum(metric->value)};
	bool nulls[3] = {0};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
bugevents_stats(PG_FUNCTION_ARGS)
{
	bev_settings_require_served();
	InitMaterializedSRF(fcinfo, 0);
	bev_metrics_list(put_row, fcinfo->resultinfo);
	return (Datum) 0;
}
