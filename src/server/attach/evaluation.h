/*
 * evaluation.h - the values of an attachment's expressions, for rows as of snapshots.
 */
#ifndef BEV_SERVER_ATTACH_EVALUATION_H
#define BEV_SERVER_ATTACH_EVALUATION_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "storage/itemptr.h"
#include "utils/snapshot.h"

#include "server/attach/expression.h"

/* The results for one row; values are in the caller's memory context. */
typedef struct BevResults
{
	Datum *values;
	bool *nulls;
	bool *failed; /* then the value is null */
	Oid *types;
} BevResults;

/*
 * Evaluate all expressions for each of n rows, as of a snapshot each (NULL: the active one).  They
 * are read only.  An error in one of them, or that it takes too long, spoils that one only: it is
 * a warning, once in a transaction.  Only what ends the transaction anyway (a cancel, a
 * serialization failure) is thrown.
 */
extern void bev_evaluation_run(BevExpressions *expressions, Relation rel, TupleTableSlot **rows,
                               const Snapshot *snapshots, BevResults *results, int n);

/*
 * The same for n rows of rel at once, by their places, which ascend, each as of both snapshots:
 * results[2 * i] and results[2 * i + 1].  False: one failed, or isn't visible by one of them; then
 * nothing is known, nor told.
 */
extern bool bev_evaluation_run_many(BevExpressions *expressions, Relation rel,
                                    const ItemPointerData *places, int n, const Snapshot *snapshots,
                                    BevResults *results);

/*
 * Do something else that is an owner's, in the same way: within the time limit, unable to write,
 * and undone when it throws.  NULL: it went well.  *late: it took too long.
 */
extern ErrorData *bev_evaluation_attempt(void (*step)(void *arg), void *arg, bool *late);

#endif /* BEV_SERVER_ATTACH_EVALUATION_H */
