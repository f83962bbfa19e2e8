/*
 * statement.c - SQL statements that the projector and its like run again and again.
 *
 * Model: prepared when it is run first, and kept for the life of the process; PostgreSQL
 * plans it anew when a table was dropped and created again.
 */
#include "server/base/statement.h"

static void
prepare(BevStatement *statement, int n, const BevValue *values)
{
	Oid types[BEV_STATEMENT_MAX_VALUES];

	Assert(n <= BEV_STATEMENT_MAX_VALUES);
	for (int i = 0; i < n; i++)
		types[i] = values[i].type;
	statement->plan = SPI_prepare(statement->sql, n, types);
	if (statement->plan == NULL)
		elog(ERROR, "could not prepare \"%s\": %s", statement->sql,
		     SPI_result_code_string(SPI_result));
	if (SPI_keepplan(statement->plan) != 0)
		elog(ERROR, "could not keep \"%s\"", statement->sql);
}

uint64
bev_statement_run(BevStatement *statement, int n, const BevValue *values)
{
	Datum datums[BEV_STATEMENT_MAX_VALUES];
	char nulls[BEV_STATEMENT_MAX_VALUES];
	int rc;

	if (statement->plan == NULL)
		prepare(statement, n, values);
	for (int i = 0; i < n; i++)
	{
		datums[i] = values[i].value;
		nulls[i] = values[i].isnull ? 'n' : ' ';
	}
	rc = SPI_execute_plan(statement->plan, datums, nulls, false, 0);
	if (rc < 0)
		elog(ERROR, "could not execute \"%s\": %s", statement->sql, SPI_result_code_string(rc));
	return SPI_processed;
}

char *
bev_statement_text(uint64 row, int column)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
}

List *
bev_statement_texts(uint64 n)
{
	List *texts = NIL;

	for (uint64 row = 0; row < n; row++)
	{
		char *text = bev_statement_text(row, 1);

		if (text)
			texts = lappend(texts, text);
	}
	bev_statement_done();
	return texts;
}

void
bev_statement_done(void)
{
	SPI_freetuptable(SPI_tuptable);
}
