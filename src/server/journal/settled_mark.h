/*
 * settled_mark.h - how far the stream is settled, noted in the database for those who read a copy.
 */
#ifndef BEV_SERVER_JOURNAL_SETTLED_MARK_H
#define BEV_SERVER_JOURNAL_SETTLED_MARK_H

#include "postgres.h"

#include "access/xlogdefs.h"
#include "datatype/timestamp.h"

/*
 * Note that everything up to seq is settled, at this moment; the WAL is to be flushed up to
 * the result for others to see it.  Nothing is noted, and the result is invalid, where there is no
 * such table (an earlier version of the extension), or somebody has locked it.  For the
 * dispatcher, in a transaction; it needs no transaction id.
 */
extern XLogRecPtr bev_settled_mark_write(uint64 seq, TimestampTz at);

/*
 * The greatest seq that was noted, 0 if none was, and when.  A snapshot that is taken afterwards
 * sees everything up to it.  In a transaction; waits for a lock on the table unless the caller has
 * one.
 */
extern uint64 bev_settled_mark_read(TimestampTz *at);

#endif /* BEV_SERVER_JOURNAL_SETTLED_MARK_H */
