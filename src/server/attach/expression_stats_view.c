/*
 * expression_stats_view.c - SQL: what the expressions of attached tables cost, how they failed,
 * and an end to their suspension.
 *
 * Rights: an error's message may have values of rows, so the table's owner alone sees it.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "server/attach/attached.h"
#include "server/base/compat.h"
#include "server/base/settings.h"
#include "server/shared/expression_stats.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

BEV_FUNCTION_INFO_V1(bugevents_expression_costs);
BEV_FUNCTION_INFO_V1(bugevents_expression_errors);
BEV_FUNCTION_INFO_V1(bugevents_resume_expressions);

#define COST_COLUMNS  5
#define ERROR_COLUMNS 3

static Datum
row_of(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	TupleDesc desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/* All null in a database that isn't served. */
Datum
bugevents_expression_costs(PG_FUNCTION_ARGS)
{
	BevExpressionStats stats;
	Datum values[COST_COLUMNS] = {0};
	bool nulls[COST_COLUMNS] = {true, true, true, true, true};

	if (bev_settings_are_preloaded() && bev_settings_database_is_served())
	{
		bev_expression_stats_get(PG_GETARG_OID(0), &stats);
		memset(nulls, 0, sizeof(nulls));
		values[0] = Int64GetDatum(stats.rows);
		values[1] = Float8GetDatum(stats.us / 1000.0);
		values[2] = Float8GetDatum(stats.slowest / 1000.0);
		values[3] = Int64GetDatum(stats.timeouts);
		values[4] = BoolGetDatum(stats.suspended);
	}
	PG_RETURN_DATUM(row_of(fcinfo, values, nulls));
}

Datum
bugevents_expression_errors(PG_FUNCTION_ARGS)
{
	Oid table = PG_GETARG_OID(0);
	BevExpressionStats stats = {0};
	Datum values[ERROR_COLUMNS] = {0};
	bool nulls[ERROR_COLUMNS] = {false, true, true};

	if (bev_settings_are_preloaded() && bev_settings_database_is_served())
		bev_expression_stats_get(table, &stats);
	values[0] = Int64GetDatum((int64) stats.errors);
	values[1] = CStringGetTextDatum(stats.message);
	values[2] = TimestampTzGetDatum(stats.failed_at);
	nulls[1] = stats.errors == 0 || !bev_class_is_owned(table, GetUserId());
	nulls[2] = stats.errors == 0;
	PG_RETURN_DATUM(row_of(fcinfo, values, nulls));
}

Datum
bugevents_resume_expressions(PG_FUNCTION_ARGS)
{
	Oid table = PG_GETARG_OID(0);

	bev_settings_require_served();
	bev_attached_check_owner(table);
	PG_RETURN_BOOL(bev_expression_stats_resume(table));
}
