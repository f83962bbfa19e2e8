/*
 * journal_reader.h - reading the journal in the order of the stream.
 */
#ifndef BEV_SERVER_JOURNAL_JOURNAL_READER_H
#define BEV_SERVER_JOURNAL_JOURNAL_READER_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* Consecutive events of one transaction. */
typedef struct BevJournalRun
{
	uint64 first_seq; /* of the first event here */
	uint32 count;
	uint32 tx_n; /* its place in the transaction, from 1 */
	uint32 tx_of;
	uint64 xid;
	TimestampTz at;
	const char *records;
	Size size;
} BevJournalRun;

/* Takes a run; false: enough. */
typedef bool (*BevJournalSink)(void *arg, const BevJournalRun *run);

/*
 * Where a reader stands inside a transaction that is stored in parts, so that
 * going on doesn't begin at its first part.  Zeroed: nowhere.  Each reader that
 * goes forward keeps one.
 */
typedef struct BevJournalPlace
{
	uint64 xid;
	uint64 ordinal; /* of the part that was read last */
	uint32 before;  /* events in the parts before it */
} BevJournalPlace;

/*
 * The last seq of the transaction that this one is of, or of the next one; 0: there is none.  In a
 * transaction with an active snapshot.
 */
extern uint64 bev_journal_end_of(uint64 seq);

/*
 * The last seq of the first transaction that ends behind seq, and when it committed; 0: there is
 * none.  Likewise.
 */
extern uint64 bev_journal_next(uint64 seq, TimestampTz *at);

/*
 * Everything up to it is settled at this moment.  To be called in a transaction, unless
 * seqs were given out since the start; not on a standby (bev_journal_decided).
 */
extern uint64 bev_journal_horizon(void);

/*
 * Hand the events with seqs in (after, upto] to sink, in order.  Returns the seq
 * up to which everything was handed over: upto, or less if sink had enough, or a table that
 * is needed was passed over (bev_journal_floor).
 *
 * To be called in a transaction whose active snapshot was taken after all of
 * (after, upto] was settled (bev_queue_horizon).  Throws if the journal is gone
 * or damaged.
 */
extern uint64 bev_journal_read(uint64 after, uint64 upto, BevJournalPlace *place,
                               BevJournalSink sink, void *arg);

/*
 * The same of what is settled at this moment, in a session, on a standby too; takes the
 * snapshot itself.  Returns the seq up to which the stream was settled.
 */
extern uint64 bev_journal_read_settled(uint64 after, uint64 upto, BevJournalSink sink, void *arg);

#endif /* BEV_SERVER_JOURNAL_JOURNAL_READER_H */
