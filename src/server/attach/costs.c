/*
 * costs.c - SQL: what the expressions of attached tables cost, and an end to their suspension.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "server/attach/attached.h"
#include "server/base/compat.h"
#include "server/base/settings.h"
#include "server/shared/expression_costs.h"

BEV_FUNCTION_INFO_V1(bugevents_expression_costs);
BEV_FUNCTION_INFO_V1(bugevents_resume_expressions);

#define COLUMNS 5

/* All null in a database that isn't served. */
Datum
bugevents_expression_costs(PG_FUNCTION_ARGS)
{
	BevExpressionCosts costs;
	Datum values[COLUMNS] = {0};
	bool nulls[COLUMNS] = {true, true, true, true, true};
	TupleDesc desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (bev_settings_are_preloaded() && bev_settings_database_is_served())
	{
		bev_expression_costs_get(PG_GETARG_OID(0), &costs);
		memset(nulls, 0, sizeof(nulls));
		values[0] = Int64GetDatum(costs.rows);
		values[1] = Float8GetDatum(costs.us / 1000.0);
		values[2] = Float8GetDatum(costs.slowest / 1000.0);
		values[3] = Int64GetDatum(costs.timeouts);
		values[4] = BoolGetDatum(costs.suspended);
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

Datum
bugevents_resume_expressions(PG_FUNCTION_ARGS)
{
	Oid table = PG_GETARG_OID(0);

	bev_settings_require_served();
	bev_attached_check_owner(table);
	PG_RETURN_BOOL(bev_expression_costs_resume(table));
}
