/*
 * expression.h - SQL expressions over a row, evaluated as the table's owner.
 */
#ifndef BEV_SERVER_ATTACH_EXPRESSION_H
#define BEV_SERVER_ATTACH_EXPRESSION_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
#include "utils/rel.h"

/*
 * The expressions of one attachment: one statement, whose parameters are the
 * columns of the row and whose result columns are the expressions.
 */
typedef struct BevExpressions
{
	Oid table;               /* whose columns an expression sees */
	Oid owner;               /* of that table */
	const char *search_path; /* that names are looked up with */

	int ncolumns;
	const char **column_names;
	Oid *column_types;
	Oid *column_collations;
	AttrNumber *column_attnums; /* where they are in the rows that come in */

	int nresults;
	const char **texts;

	bool looks_up; /* they may depend on more than the row; true until they are planned */

	SPIPlanPtr many;       /* of all, for rows of the relation by their places; likewise */
	SPIPlanPtr plan;       /* of all; kept; NULL until the first evaluation */
	SPIPlanPtr *plans;     /* of each by itself; NULL until all together failed once */
	TimestampTz *spoiled;  /* by expression: the transaction that it isn't tried again in */
	TimestampTz warned;    /* the last transaction that was told of a failure */
	MemoryContext context; /* of all of this; freeing it frees the plans */
} BevExpressions;

/*
 * No expressions yet, over the rows of rel, which is the table or one of its
 * partitions.  Allocated in the current memory context.
 */
extern BevExpressions *bev_expressions_create(Oid table, Relation rel, const char *search_path);

/* Add one; returns its number among the results. */
extern int bev_expressions_add(BevExpressions *expressions, const char *text);

/* What an expression is like, as far as attach() looks. */
typedef struct BevExpressionTraits
{
	Oid type;       /* of its value */
	List *literals; /* texts (char *) that stand in it */
	List *tables;   /* oids of tables that it reads */
} BevExpressionTraits;

/*
 * Analyze an expression.  Throws, naming label in the context of the message, when it isn't a
 * single valid expression.  The lists are palloc'd.
 */
extern BevExpressionTraits bev_expression_analyze(BevExpressions *expressions, const char *text,
                                                  const char *label);

/*
 * Plan n expressions, as the owner (owner.h), with SPI connected.  Throws where one of them isn't
 * valid any more.
 */
extern SPIPlanPtr bev_expressions_prepare(BevExpressions *expressions, const char **texts, int n);

/* The same of all, for the rows of rel whose places are in $1, a tid[]; ctid comes first. */
extern SPIPlanPtr bev_expressions_prepare_many(BevExpressions *expressions, Relation rel);

/* Append "(SELECT $1 AS id, ...) AS row": the row, as an item of a FROM clause. */
extern void bev_expressions_append_row(BevExpressions *expressions, StringInfo sql);

/*
 * Execute a plan whose parameters are the row's columns, with SPI connected, as of a snapshot; up
 * to so many rows are in SPI_tuptable then.
 */
extern void bev_expressions_execute(const BevExpressions *expressions, SPIPlanPtr plan,
                                    TupleTableSlot *row, Snapshot snapshot, long rows);

/* May what the plan gives depend on more than its parameters? */
extern bool bev_expressions_look_up(SPIPlanPtr plan);

/* Does the query call functions that may look into tables? */
extern bool bev_expressions_call_readers(Query *query);

/*
 * May the transaction have given another file to a table that the expressions look into?  True
 * where they call functions that may look into any.
 */
extern bool bev_expressions_read_replaced(const BevExpressions *expressions);

/* Throws if the query calls a volatile function. */
extern void bev_expressions_check_functions(Query *query);

/* Throws unless the text is by itself one expression and nothing more. */
extern void bev_expression_check_syntax(const char *text);

#endif /* BEV_SERVER_ATTACH_EXPRESSION_H */
