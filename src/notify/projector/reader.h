/*
 * reader.h - a part of the projector that reads the journal behind a cursor of its own.
 */
#ifndef BEV_NOTIFY_PROJECTOR_READER_H
#define BEV_NOTIFY_PROJECTOR_READER_H

#include "postgres.h"

#include "notify/projector/change.h"
#include "server/base/statement.h"
#include "server/journal/journal_reader.h"

typedef struct BevReader
{
	/* Set once */
	int batch;                        /* events of a transaction, about */
	BevStatement save;                /* writes the cursor, $1 */
	void (*begin)(void);              /* nothing is gathered; NULL: nothing ever is */
	bool (*apply)(BevChange *change); /* true: something was written or gathered */
	void (*finish)(void);             /* write what was gathered; NULL: likewise */
	void (*failed)(void);             /* what was written is not; NULL: nobody cares */
	bool is_last;                     /* the other one has been where it comes to */

	/* Where it stands */
	uint64 cursor;  /* all up to here is done */
	uint64 written; /* what the table says */
	BevJournalPlace place;
	TimestampTz reached; /* when the last event that was read was committed */
	int limit;           /* seqs of a batch, after one that couldn't be finished; 0: none */
	int retry_wait;      /* ms */
} BevReader;

/* Go on behind this seq, which the table says. */
extern void bev_reader_begin(BevReader *reader, uint64 cursor);

/*
 * Do what follows from events behind the cursor, up to upto, a batch of them: in a transaction of
 * its own, with the cursor behind them.  What fails is tried again, or set aside.  True: something
 * was written, or couldn't be.
 */
extern bool bev_reader_run(BevReader *reader, uint64 upto);

/* Save the cursor, when events from which nothing followed are behind it. */
extern void bev_reader_save(BevReader *reader);

/* The table of the cursors; InvalidOid: the extension is gone.  Wants a transaction. */
extern Oid bev_reader_table(void);

/* Until then, the latch or the end. */
extern void bev_reader_wait(long ms);

#endif /* BEV_NOTIFY_PROJECTOR_READER_H */
