/*
 * row.h - one version of a captured row: the values of its payload's fields.
 */
#ifndef BEV_SERVER_CAPTURE_ROW_H
#define BEV_SERVER_CAPTURE_ROW_H

#include "postgres.h"

#include "executor/tuptable.h"

#include "server/attach/evaluation.h"
#include "server/attach/mapping.h"

typedef struct BevRow
{
	Datum *values; /* by field */
	bool *nulls;
	bool wanted;        /* the filter lets it through */
	char *audience;     /* that attach() asked for; NULL: the default */
	BevResults results; /* of the expressions, if there are any */
	bool failed;        /* one of them could not be evaluated */
	bool doubtful;      /* the filter couldn't: then it is wanted, by admins */
	bool provisional;   /* the transaction may make it another yet (provisional.h) */
} BevRow;

/*
 * Read n rows (an UPDATE has two) from their slots, evaluating the mapping's expressions as of
 * snapshots (NULL: all as of the active one).  Allocates in the current memory context.
 */
extern void bev_rows_read(BevMapping *mapping, Relation rel, TupleTableSlot **slots,
                          const Snapshot *snapshots, BevRow *rows, int n);

/* The same of one row whose expressions have been evaluated. */
extern void bev_row_read_evaluated(BevMapping *mapping, TupleTableSlot *slot,
                                   const BevResults *results, BevRow *row);

/* Read only what the row's key consists of; the rest is null. */
extern void bev_row_read_key(BevMapping *mapping, Relation rel, TupleTableSlot *slot,
                             Snapshot snapshot, BevRow *row);

/* Could the field's expression not be evaluated? */
extern bool bev_row_field_failed(const BevMapping *mapping, const BevRow *row, int field);

/*
 * Which fields differ: sets changed[] for each field, returns whether any does that isn't quiet.
 */
extern bool bev_rows_compare(BevMapping *mapping, BevRow *old, BevRow *new, bool *changed);

#endif /* BEV_SERVER_CAPTURE_ROW_H */
