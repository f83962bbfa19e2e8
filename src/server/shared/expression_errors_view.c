/*
 * expression_errors_view.c - bugevents.expression_errors(), which the view attachments calls.
 *
 * Rights: an error's message may have values of rows, so the table's owner alone sees it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "server/base/compat.h"
#include "server/base/settings.h"
#include "server/shared/expression_errors.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

BEV_FUNCTION_INFO_V1(bugevents_expression_errors);

#define COLUMNS 3

Datum
bugevents_expression_errors(PG_FUNCTION_ARGS)
{
	Oid table = PG_GETARG_OID(0);
	BevExpressionErrors errors = {0};
	bool any = bev_settings_are_preloaded() && bev_expression_errors_get(table, &errors);
	bool shown = any && bev_class_is_owned(table, GetUserId());
	Datum values[COLUMNS] = {Int64GetDatum((int64) errors.count), (Datum) 0,
	                         TimestampTzGetDatum(errors.at)};
	bool nulls[COLUMNS] = {false, !shown, !any};
	TupleDesc desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "bugevents.expression_errors() does not return a row");
	if (shown)
		values[1] = CStringGetTextDatum(errors.message);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
