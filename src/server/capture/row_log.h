/*
 * row_log.h - a change of a row of an attached table, or of one of ours, to the log of changes.
 */
#ifndef BEV_SERVER_CAPTURE_ROW_LOG_H
#define BEV_SERVER_CAPTURE_ROW_LOG_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "utils/rel.h"
#include "utils/reltrigger.h"

/*
 * Log that a row of rel, which has this capture trigger, was old and is new; NULL where it wasn't
 * there, or isn't any more.
 */
extern void bev_row_log(Relation rel, Trigger *trigger, TupleTableSlot *old, TupleTableSlot *new);

/* The same of a table of bugevents' own, and of one that attached tables follow. */
extern void bev_row_log_own(Relation rel, Trigger *trigger, TupleTableSlot *old,
                            TupleTableSlot *new);
extern void bev_row_log_lookup(Relation rel, Trigger *trigger, TupleTableSlot *old,
                               TupleTableSlot *new);

#endif /* BEV_SERVER_CAPTURE_ROW_LOG_H */
