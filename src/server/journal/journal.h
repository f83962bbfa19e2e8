/*
 * journal.h - the durable copy of the stream: writing it.
 *
 * A transaction is one row of the segment that is being written, one of the
 * tables journal_0, journal_1 and journal_2.  Its events are in that row, or, when
 * the transaction was too large for one, in rows of journal_part that it wrote as
 * it went; journal_parted knows those.
 */
#ifndef BE_SERVER_JOURNAL_JOURNAL_H
#define BE_SERVER_JOURNAL_JOURNAL_H

#include "postgres.h"

#include "access/transam.h"
#include "datatype/timestamp.h"
#include "utils/relcache.h"

/*
 * Records of an inline row and of a part are handed over with room for a varlena
 * header in front of them, so that they need not be copied.
 */
#define BE_JOURNAL_ROOM		VARHDRSZ

/* One of the two tables, opened for inserting, with its primary key. */
typedef struct BeJournal
{
	Relation	table;
	Relation	index;
} BeJournal;

typedef struct BeJournalRow
{
	uint64		first_seq;
	uint32		n;
	uint64		low;
	FullTransactionId xid;
	TimestampTz at;
} BeJournalRow;

#define BE_SEGMENTS		3

/* The extension's tables; the segments are BE_TABLE_SEGMENT + 0 and so on. */
typedef enum BeTable
{
	BE_TABLE_SEGMENT,
	BE_TABLE_PART = BE_SEGMENTS,
	BE_TABLE_PARTED,
	BE_TABLE_STREAM,
	BE_TABLES
} BeTable;

/* Oid of a table; InvalidOid when the extension isn't there (any more). */
extern Oid	be_journal_table(BeTable table);

/*
 * Open a segment or journal_part for inserting.  May wait for a lock.  False when
 * it doesn't exist.  To be closed in the same transaction; the lock stays until
 * its end.
 */
extern bool be_journal_open(BeJournal *journal, BeTable table);
extern void be_journal_close(BeJournal *journal);

/*
 * Insert a transaction's row.  records is a buffer that begins with
 * BE_JOURNAL_ROOM bytes of scratch, then size bytes of records; NULL: the events
 * are in parts.
 */
extern void be_journal_insert(BeJournal *journal, const BeJournalRow *row,
							  char *records, Size size);

/* Insert one part; buffer as above.  ordinal orders the parts of a transaction. */
extern void be_journal_insert_part(BeJournal *journal, FullTransactionId xid,
								   uint64 ordinal, uint32 n,
								   char *records, Size size);

/*
 * The greatest seq in a segment, committed or not, and when its transaction
 * committed; 0 when the segment is empty.  at may be NULL.  To be called in a
 * transaction.
 */
extern uint64 be_journal_last_seq(int segment, TimestampTz *at);

/* Size of the tables with their indexes.  In a transaction; may wait for a lock. */
extern int64 be_journal_bytes(void);

/* When the first transaction in a segment committed; false when it is empty. */
extern bool be_journal_first_at(int segment, TimestampTz *at);

/*
 * The segment with the greatest seqs, which is the one that is written, and the
 * greatest of them, as above.
 */
extern int	be_journal_newest(uint64 *last_seq);

/*
 * A seq up to which every transaction is committed and visible to the active
 * snapshot, or gone, by what its rows say: for a standby, which has no queue.
 */
extern uint64 be_journal_decided(void);

#endif							/* BE_SERVER_JOURNAL_JOURNAL_H */
