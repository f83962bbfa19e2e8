/*
 * executor_write.h - writing a table of the journal as INSERT and DELETE would.
 */
#ifndef BEV_SERVER_JOURNAL_EXECUTOR_WRITE_H
#define BEV_SERVER_JOURNAL_EXECUTOR_WRITE_H

#include "postgres.h"

#include "storage/itemptr.h"
#include "utils/relcache.h"

/*
 * Insert a row: all that is on the table holds for it, but triggers for each statement.
 * values and nulls are those of its first n columns; further ones, which somebody added, are
 * null.  The table is open and locked.  In a transaction, at PRE_COMMIT too.  Throws what
 * its constraints and triggers throw.
 */
extern void bev_executor_insert(Relation table, int n, const Datum *values, const bool *nulls);

/* Delete the row that a snapshot sees there; as above. */
extern void bev_executor_delete(Relation table, ItemPointer tid);

/* Is such a write under way in this process, whose triggers run? */
extern bool bev_executor_is_writing(void);

#endif /* BEV_SERVER_JOURNAL_EXECUTOR_WRITE_H */
