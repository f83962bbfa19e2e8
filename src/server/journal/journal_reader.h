/*
 * journal_reader.h - reading the journal in the order of the stream.
 */
#ifndef BE_SERVER_JOURNAL_JOURNAL_READER_H
#define BE_SERVER_JOURNAL_JOURNAL_READER_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* Consecutive events of one transaction. */
typedef struct BeJournalRun
{
	uint64		first_seq;		/* of the first event here */
	uint32		count;
	uint32		tx_n;			/* its place in the transaction, from 1 */
	uint32		tx_of;
	uint64		xid;
	TimestampTz at;
	const char *records;
	Size		size;
} BeJournalRun;

/* Takes a run; false: enough. */
typedef bool (*BeJournalSink) (void *arg, const BeJournalRun *run);

/*
 * Where a reader stands inside a transaction that is stored in parts, so that
 * going on doesn't begin at its first part.  Zeroed: nowhere.  Each reader that
 * goes forward keeps one.
 */
typedef struct BeJournalPlace
{
	uint64		xid;
	uint64		ordinal;		/* of the part that was read last */
	uint32		before;			/* events in the parts before it */
} BeJournalPlace;

/*
 * Everything up to it is settled at this moment.  To be called in a transaction, unless
 * seqs were given out since the start; not on a standby (be_journal_decided).
 */
extern uint64 be_journal_horizon(void);

/*
 * Hand the events with seqs in (after, upto] to sink, in order.  Returns the seq
 * up to which everything was handed over: upto, or less if sink had enough.
 *
 * To be called in a transaction whose active snapshot was taken after all of
 * (after, upto] was settled (be_queue_horizon).  Throws if the journal is gone
 * or damaged.
 */
extern uint64 be_journal_read(uint64 after, uint64 upto, BeJournalPlace *place,
							  BeJournalSink sink, void *arg);

/*
 * The same of what is settled at this moment, in a session, on a standby too; takes the
 * snapshot itself.  Returns the seq up to which the stream was settled.
 */
extern uint64 be_journal_read_settled(uint64 after, uint64 upto, BeJournalSink sink, void *arg);

#endif							/* BE_SERVER_JOURNAL_JOURNAL_READER_H */
