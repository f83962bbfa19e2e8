/*
 * parameters.c - a statement of the responder's own, with texts as parameters.
 */
#include "server/responder/parameters.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/guc.h"

uint64
bev_parameters_run(const char *sql, int n, const char *const *texts)
{
	Oid types[BEV_PARAMETERS_MAX];
	Datum values[BEV_PARAMETERS_MAX] = {0};
	char nulls[BEV_PARAMETERS_MAX] = {0};
	int rc;

	Assert(n <= BEV_PARAMETERS_MAX);
	for (int i = 0; i < n; i++)
	{
		types[i] = TEXTOID;
		values[i] = texts[i] ? CStringGetTextDatum(texts[i]) : (Datum) 0;
		nulls[i] = texts[i] ? ' ' : 'n';
	}
	rc = SPI_execute_with_args(sql, n, types, values, nulls, false, 0);
	if (rc < 0)
		elog(ERROR, "could not execute \"%s\": %s", sql, SPI_result_code_string(rc));
	return SPI_processed;
}

char *
bev_parameters_value(int column)
{
	return SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column);
}

char *
bev_parameters_begin(const BevQuestionHead *head)
{
	char *user = pg_any_to_server(pstrdup(head->user), strlen(head->user), PG_UTF8);

	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
	                         GUC_ACTION_LOCAL, true, 0, false);
	(void) set_config_option("bugevents.actor", user, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL,
	                         true, 0, false);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	return user;
}
