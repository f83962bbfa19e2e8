/*
 * system_row.h - rows of bugevents' own tables as events, for the user they are of.
 */
#ifndef BEV_SERVER_CAPTURE_SYSTEM_ROW_H
#define BEV_SERVER_CAPTURE_SYSTEM_ROW_H

#include "postgres.h"

#include "access/htup.h"
#include "access/tupdesc.h"
#include "server/capture/record.h"

/*
 * A record of the row, whose action is its column "type" (empty if it has none).
 * The payload is in a buffer of the session: valid until the next one.
 */
extern void bev_system_row_record(BevRecord *record, const char *type, HeapTuple tuple,
                                  TupleDesc desc);

/*
 * Publish that a row of a table of ours, old (NULL: there was none), is new now (NULL: there is
 * none), by this actor.
 */
extern void bev_system_row_publish(const char *type, HeapTuple old, HeapTuple new, TupleDesc desc,
                                   const char *actor);

#endif /* BEV_SERVER_CAPTURE_SYSTEM_ROW_H */
