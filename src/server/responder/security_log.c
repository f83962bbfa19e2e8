/*
 * security_log.c - the rows of bugevents.security_events.
 *
 * Model: rows are numbered; those that are further back than the limit go with each
 * insert, a few at a time, so the table stays as large as its limit and autovacuum
 * has little to do.
 */
#include "server/responder/security_log.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "server/base/settings.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"

static void
execute(const char *sql, Oid type, Datum value)
{
	int rc = SPI_execute_with_args(sql, 1, &type, &value, NULL, false, 0);

	if (rc != SPI_OK_INSERT && rc != SPI_OK_DELETE)
		elog(ERROR, "could not write bugevents.security_events: %s", SPI_result_code_string(rc));
}

void
bev_security_log_write(const BevQuestionHead *head pg_attribute_unused(), const char *json,
                       BevAnswer *answer pg_attribute_unused())
{
	Oid schema = get_namespace_oid("bugevents", true);

	if (!OidIsValid(schema) || !OidIsValid(get_relname_relid("security_events", schema)))
		return; /* no extension (any more) */
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
	                         GUC_ACTION_LOCAL, true, 0, false);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	execute(
		"INSERT INTO bugevents.security_events (kind, address, gateway, times)"
		" SELECT kind, nullif(address, ''), nullif(gateway, 0), times"
		" FROM jsonb_to_recordset($1) AS r (kind text, address text, gateway integer, times bigint)",
		JSONBOID, DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
	execute("DELETE FROM bugevents.security_events"
	        " WHERE id <= (SELECT max(id) FROM bugevents.security_events) - $1",
	        INT4OID, Int32GetDatum(bev_security_event_rows));
	SPI_finish();
}
