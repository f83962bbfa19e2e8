/*
 * row.h - one version of a captured row: the values of its payload's fields.
 */
#ifndef BEV_SERVER_CAPTURE_ROW_H
#define BEV_SERVER_CAPTURE_ROW_H

#include "postgres.h"

#include "executor/tuptable.h"

#include "server/attach/mapping.h"

typedef struct BevRow
{
	Datum *values; /* by field */
	bool *nulls;
	bool wanted;        /* the filter lets it through */
	char *audience;     /* that attach() asked for; NULL: the default */
	BevResults results; /* of the expressions, if there are any */
	bool failed;        /* they could not be evaluated */
} BevRow;

/*
 * Read n rows (an UPDATE has two) from their slots, evaluating the mapping's
 * expressions.  Allocates in the current memory context.
 */
extern void bev_rows_read(BevMapping *mapping, Relation rel, TupleTableSlot **slots, BevRow *rows,
                          int n);

/*
 * Which fields differ: sets changed[] for each field, returns whether any does.
 */
extern bool bev_rows_compare(BevMapping *mapping, BevRow *old, BevRow *new, bool *changed);

#endif /* BEV_SERVER_CAPTURE_ROW_H */
