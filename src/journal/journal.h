/*
 * journal.h - the durable copy of the stream: writing it.
 *
 * A transaction is one row of bugevents.journal.  Its events are in that row,
 * or, when the transaction was too large for one, in rows of
 * bugevents.journal_part that it wrote as it went.
 */
#ifndef BE_JOURNAL_H
#define BE_JOURNAL_H

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

/* Oids of the tables; InvalidOid when the extension isn't there (any more). */
extern Oid	be_journal_table(void);
extern Oid	be_journal_part_table(void);

/*
 * Open journal or journal_part.  May wait for a lock.  False when it doesn't
 * exist.  To be closed in the same transaction; the lock stays until its end.
 */
extern bool be_journal_open(BeJournal *journal, Oid table);
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
 * The greatest seq in the journal, committed or not; 0 when it is empty.  To be
 * called in a transaction.
 */
extern uint64 be_journal_last_seq(void);

#endif							/* BE_JOURNAL_H */
