/*
 * statement.h - SQL statements that the projector and its like run again and again.
 */
#ifndef BEV_SERVER_BASE_STATEMENT_H
#define BEV_SERVER_BASE_STATEMENT_H

#include "postgres.h"

#include "catalog/pg_type.h"
#include "datatype/timestamp.h"
#include "executor/spi.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

typedef struct BevStatement
{
	const char *sql;
	SPIPlanPtr plan; /* kept from the first run on */
} BevStatement;

/* A parameter. */
typedef struct BevValue
{
	Oid type;
	bool isnull;
	Datum value;
} BevValue;

/* NULL is null. */
static inline BevValue
bev_text_value(const char *text)
{
	return (BevValue){TEXTOID, text == NULL, text ? CStringGetTextDatum(text) : (Datum) 0};
}

static inline BevValue
bev_int_value(int64 value)
{
	return (BevValue){INT8OID, false, Int64GetDatum(value)};
}

static inline BevValue
bev_bool_value(bool value)
{
	return (BevValue){BOOLOID, false, BoolGetDatum(value)};
}

static inline BevValue
bev_time_value(TimestampTz at)
{
	return (BevValue){TIMESTAMPTZOID, false, TimestampTzGetDatum(at)};
}

#define BEV_STATEMENT_MAX_VALUES 16

/*
 * Run it with n values, whose types are the same each time.  Returns how many rows it
 * changed or found; those of a SELECT and of RETURNING are in SPI_tuptable, to be freed with
 * bev_statement_done.  Throws.  Wants SPI to be connected.
 */
extern uint64 bev_statement_run(BevStatement *statement, int n, const BevValue *values);

/* run(), for values that are listed in the call. */
#define bev_statement_with(statement, ...) \
	bev_statement_run(statement, lengthof(((BevValue[]){__VA_ARGS__})), (BevValue[]){__VA_ARGS__})

/* A column (from 1) of a row (from 0) that was found, as text; NULL: null. */
extern char *bev_statement_text(uint64 row, int column);

/* The first column of the n rows that were found, without nulls, palloc'd; frees the rows. */
extern List *bev_statement_texts(uint64 n);

/* Free the rows. */
extern void bev_statement_done(void);

#endif /* BEV_SERVER_BASE_STATEMENT_H */
