/*
 * row.h - one version of a captured row: the values of its payload's fields.
 */
#ifndef BE_SERVER_CAPTURE_ROW_H
#define BE_SERVER_CAPTURE_ROW_H

#include "postgres.h"

#include "executor/tuptable.h"

#include "server/attach/mapping.h"

typedef struct BeRow
{
	Datum	   *values;			/* by field */
	bool	   *nulls;
	bool		wanted;			/* the filter lets it through */
	char	   *audience;		/* that attach() asked for; NULL: the default */
	BeResults	results;		/* of the expressions, if there are any */
	bool		failed;			/* they could not be evaluated */
} BeRow;

/*
 * Read n rows (an UPDATE has two) from their slots, evaluating the mapping's
 * expressions.  Allocates in the current memory context.
 */
extern void be_rows_read(BeMapping *mapping, Relation rel, TupleTableSlot **slots,
						 BeRow *rows, int n);

/*
 * Which fields differ: sets changed[] for each field, returns whether any does.
 */
extern bool be_rows_compare(BeMapping *mapping, BeRow *old, BeRow *new, bool *changed);

#endif							/* BE_SERVER_CAPTURE_ROW_H */
