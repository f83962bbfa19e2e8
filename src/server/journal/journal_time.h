/*
 * journal_time.h - the place of a moment in the stream.
 */
#ifndef BEV_SERVER_JOURNAL_JOURNAL_TIME_H
#define BEV_SERVER_JOURNAL_JOURNAL_TIME_H

#include "postgres.h"

#include "datatype/timestamp.h"

/*
 * The seq behind which everything stands that was committed at this moment or later, and nothing
 * that was 2 s before.  0: it is older than what the journal holds.  In a transaction; takes its
 * own snapshot.
 */
extern uint64 bev_journal_seq_at(TimestampTz at);

#endif /* BEV_SERVER_JOURNAL_JOURNAL_TIME_H */
