/*
 * expression.h - SQL expressions over a row, evaluated as the table's owner.
 */
#ifndef BEV_SERVER_ATTACH_EXPRESSION_H
#define BEV_SERVER_ATTACH_EXPRESSION_H

#include "postgres.h"

#include "executor/spi.h"
#include "executor/tuptable.h"
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

	SPIPlanPtr plan;       /* kept; NULL until the first evaluation */
	MemoryContext context; /* of all of this; freeing it frees the plan */
} BevExpressions;

/* The results for one row; values are in the caller's memory context. */
typedef struct BevResults
{
	Datum *values;
	bool *nulls;
	Oid *types;
} BevResults;

/*
 * No expressions yet, over the rows of rel, which is the table or one of its
 * partitions.  Allocated in the current memory context.
 */
extern BevExpressions *bev_expressions_create(Oid table, Relation rel, const char *search_path);

/* Add one; returns its number among the results. */
extern int bev_expressions_add(BevExpressions *expressions, const char *text);

/*
 * The type of an expression.  Throws, naming label in the context of the
 * message, when it isn't a single valid expression.
 */
extern Oid bev_expression_type(BevExpressions *expressions, const char *text, const char *label);

/*
 * Evaluate all expressions for each of n rows.  An error in them is reported as
 * a warning and undone, and false returned; only errors that concern the
 * transaction (a cancel, a deadlock, no memory) are thrown.
 */
extern bool bev_expressions_evaluate(BevExpressions *expressions, Relation rel,
                                     TupleTableSlot **rows, BevResults *results, int n);

#endif /* BEV_SERVER_ATTACH_EXPRESSION_H */
