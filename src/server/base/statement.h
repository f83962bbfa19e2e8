/*
 * statement.h - SQL statements that the projector and its like run again and again.
 */
#ifndef BE_SERVER_BASE_STATEMENT_H
#define BE_SERVER_BASE_STATEMENT_H

#include "postgres.h"

#include "catalog/pg_type.h"
#include "datatype/timestamp.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

typedef struct BeStatement
{
	const char *sql;
	SPIPlanPtr	plan;			/* kept from the first run on */
} BeStatement;

/* A parameter. */
typedef struct BeValue
{
	Oid			type;
	bool		isnull;
	Datum		value;
} BeValue;

/* NULL is null. */
static inline BeValue
be_text_value(const char *text)
{
	return (BeValue) {TEXTOID, text == NULL, text ? CStringGetTextDatum(text) : (Datum) 0};
}

static inline BeValue
be_int_value(int64 value)
{
	return (BeValue) {INT8OID, false, Int64GetDatum(value)};
}

static inline BeValue
be_bool_value(bool value)
{
	return (BeValue) {BOOLOID, false, BoolGetDatum(value)};
}

static inline BeValue
be_time_value(TimestampTz at)
{
	return (BeValue) {TIMESTAMPTZOID, false, TimestampTzGetDatum(at)};
}

#define BE_STATEMENT_MAX_VALUES	16

/*
 * Run it with n values, whose types are the same each time.  Returns how many rows it
 * changed or found; those of a SELECT and of RETURNING are in SPI_tuptable, to be freed with
 * be_statement_done.  Throws.  Wants SPI to be connected.
 */
extern uint64 be_statement_run(BeStatement *statement, int n, const BeValue *values);

/* run(), for values that are listed in the call. */
#define be_statement_with(statement, ...) \
	be_statement_run(statement, lengthof(((BeValue[]) {__VA_ARGS__})), (BeValue[]) {__VA_ARGS__})

/* A column (from 1) of a row (from 0) that was found, as text; NULL: null. */
extern char *be_statement_text(uint64 row, int column);

/* Free the rows. */
extern void be_statement_done(void);

#endif							/* BE_SERVER_BASE_STATEMENT_H */
