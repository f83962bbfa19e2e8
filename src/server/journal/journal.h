/*
 * journal.h - the durable copy of the stream: writing it.
 *
 * A transaction is one row of the segment that is being written, one of the
 * tables journal_0, journal_1 and journal_2.  Its events are in that row, or, when
 * the transaction was too large for one, in rows of journal_part that it wrote as
 * it went; journal_parted knows those.
 */
#ifndef BEV_SERVER_JOURNAL_JOURNAL_H
#define BEV_SERVER_JOURNAL_JOURNAL_H

#include "postgres.h"

#include "access/transam.h"
#include "datatype/timestamp.h"
#include "utils/relcache.h"

/*
 * Records of an inline row and of a part are handed over with room in front of them, for all
 * that stands before the events in a row, so that they need not be copied.
 */
#define BEV_JOURNAL_ROOM 68

/* One of the tables, opened for inserting. */
typedef struct BevJournal
{
	Relation table;
	Relation index; /* its primary key; NULL: there is more on the table than that */
} BevJournal;

typedef struct BevJournalRow
{
	uint64 first_seq;
	uint32 n;
	uint64 low;
	FullTransactionId xid;
	TimestampTz at;
} BevJournalRow;

#define BEV_SEGMENTS 3

/* The extension's tables; the segments are BEV_TABLE_SEGMENT + 0 and so on. */
typedef enum BevTable
{
	BEV_TABLE_SEGMENT,
	BEV_TABLE_PART = BEV_SEGMENTS,
	BEV_TABLE_PARTED,
	BEV_TABLE_STREAM,
	BEV_TABLE_UNSERVED,
	BEV_TABLE_ERAS,
	BEV_TABLE_SETTLED_MARK,
	BEV_TABLES
} BevTable;

/* Oid of a table; InvalidOid when the extension isn't there (any more). */
extern Oid bev_journal_table(BevTable table);

/*
 * Lock all these tables for reading, if nobody holds a lock against that; until the end of the
 * transaction.  False: somebody does, and who goes on waits for that.
 */
extern bool bev_journal_try_lock(void);

/*
 * For a standby, where what emptied a segment, or journal_part, keeps its lock as long as replay is
 * paused or delayed: the same, but such a table is passed over by all that reads the journal
 * in this transaction.
 */
extern bool bev_journal_try_lock_most(void);

/* Was it passed over?  It is to be called in the transaction of that lock. */
extern bool bev_journal_is_passed_over(BevTable table);

/*
 * Only what is behind this seq can be read, as what is before it may be in a segment that was
 * passed over; 0: all.  In a transaction with an active snapshot.
 */
extern uint64 bev_journal_floor(void);

/*
 * Open a segment, journal_part or journal_parted for inserting.  May wait for a lock.  False when
 * it doesn't exist.  To be closed in the same transaction; the lock stays until
 * its end.
 */
extern bool bev_journal_open(BevJournal *journal, BevTable table);
extern void bev_journal_close(BevJournal *journal);

/*
 * Insert a transaction's row.  records is a buffer that begins with
 * BEV_JOURNAL_ROOM bytes of scratch (aligned), then size bytes of records; NULL: the events
 * are in parts.
 */
extern void bev_journal_insert(BevJournal *journal, const BevJournalRow *row, char *records,
                               Size size);

/* Insert one part; buffer as above.  ordinal orders the parts of a transaction. */
extern void bev_journal_insert_part(BevJournal *journal, FullTransactionId xid, uint64 ordinal,
                                    uint32 n, char *records, Size size);

/* Insert what leads from a transaction in parts to its seqs. */
extern void bev_journal_insert_parted(BevJournal *journal, FullTransactionId xid, uint64 last_seq);

/*
 * The greatest seq in a segment, committed or not, and when its transaction
 * committed; 0 when the segment is empty.  at may be NULL.  To be called in a
 * transaction.
 */
extern uint64 bev_journal_last_seq(int segment, TimestampTz *at);

/* Size of the tables with their indexes.  In a transaction; may wait for a lock. */
extern int64 bev_journal_bytes(void);

/* When the first transaction in a segment committed; false when it is empty. */
extern bool bev_journal_first_at(int segment, TimestampTz *at);

/*
 * The segment with the greatest seqs, which is the one that is written, and the
 * greatest of them, as above.
 */
extern int bev_journal_newest(uint64 *last_seq);

/*
 * A seq up to which every transaction is committed and visible to the active
 * snapshot, or gone, by what its rows say: for a standby, which has no queue.
 */
extern uint64 bev_journal_decided(void);

/* The greatest such seq that rows up to a seq tell of. */
extern uint64 bev_journal_decided_below(uint64 seq);

#endif /* BEV_SERVER_JOURNAL_JOURNAL_H */
