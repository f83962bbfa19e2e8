/*
 * settled_mark.c - how far the stream is settled, noted in the database for those who read a copy.
 *
 * Model: a row of the journal tells up to which seq all was settled when it was written (low).  So
 * a copy knows of the last transactions only when the next ones come.  This mark tells it while
 * nothing comes: one row of one table, changed in place by the dispatcher (dispatcher/mark.c).
 * In place means that it isn't transactional, and needn't be: what it says is true for whoever has
 * replayed the WAL up to there, since all that it speaks of was committed before.
 *
 * Why not an UPDATE: that takes a transaction id, and leaves a dead row, which whoever holds an old
 * snapshot keeps from being removed, each time.
 *
 * Concurrency: written by the dispatcher alone; the row is read and written under the lock of its
 * page, so that nobody sees half of it.
 *
 * Failure: where somebody has updated the row by SQL, the new row is the one.
 *
 * Cost: a record of about 100 bytes in the WAL.
 */
#include "server/journal/settled_mark.h"

#include "access/genam.h"
#include "access/generic_xlog.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "server/journal/journal.h"
#include "storage/bufmgr.h"
#include "storage/bufpage.h"
#include "storage/lmgr.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* The columns of the table's row, as they are stored. */
typedef struct Mark
{
	int64 seq;
	TimestampTz at;
} Mark;

/* False: there is none. */
static bool
find_row(Relation table, ItemPointer place)
{
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	SysScanDesc scan = systable_beginscan(table, InvalidOid, false, snapshot, 0, NULL);
	HeapTuple tuple = systable_getnext(scan);

	if (tuple)
		*place = tuple->t_self;
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	return tuple != NULL;
}

/* In a page that is locked; NULL: the row isn't what it was any more. */
static void *
row_in(Page page, ItemPointer place)
{
	ItemId item = PageGetItemId(page, ItemPointerGetOffsetNumber(place));
	HeapTupleHeader header;

	if (!ItemIdIsNormal(item))
		return NULL;
	header = (HeapTupleHeader) PageGetItem(page, item);
	if (ItemIdGetLength(item) < header->t_hoff + sizeof(Mark) ||
	    (header->t_infomask & HEAP_HASNULL) != 0)
		return NULL;
	return (char *) header + header->t_hoff;
}

static XLogRecPtr
write_row(Relation table, ItemPointer place, const Mark *mark)
{
	Buffer buffer = ReadBuffer(table, ItemPointerGetBlockNumber(place));
	XLogRecPtr lsn = InvalidXLogRecPtr;
	GenericXLogState *state;
	void *row;

	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	state = GenericXLogStart(table);
	row = row_in(GenericXLogRegisterBuffer(state, buffer, 0), place);
	if (row)
	{
		memcpy(row, mark, sizeof(*mark));
		lsn = GenericXLogFinish(state);
	}
	else
		GenericXLogAbort(state);
	UnlockReleaseBuffer(buffer);
	return lsn;
}

XLogRecPtr
bev_settled_mark_write(uint64 seq, TimestampTz at)
{
	Oid oid = bev_journal_table(BEV_TABLE_SETTLED_MARK);
	Mark mark = {.seq = (int64) seq, .at = at};
	XLogRecPtr lsn = InvalidXLogRecPtr;
	ItemPointerData place;
	Relation table;

	if (!OidIsValid(oid) || !ConditionalLockRelationOid(oid, RowExclusiveLock))
		return InvalidXLogRecPtr;
	table = try_table_open(oid, NoLock);
	if (table == NULL)
		return InvalidXLogRecPtr;
	if (find_row(table, &place))
		lsn = write_row(table, &place, &mark);
	table_close(table, NoLock);
	return lsn;
}

static void
read_row(Relation table, ItemPointer place, Mark *mark)
{
	Buffer buffer = ReadBuffer(table, ItemPointerGetBlockNumber(place));
	void *row;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	row = row_in(BufferGetPage(buffer), place);
	if (row)
		memcpy(mark, row, sizeof(*mark));
	UnlockReleaseBuffer(buffer);
}

uint64
bev_settled_mark_read(TimestampTz *at)
{
	Oid oid = bev_journal_table(BEV_TABLE_SETTLED_MARK);
	Relation table = OidIsValid(oid) ? try_table_open(oid, AccessShareLock) : NULL;
	Mark mark = {0};
	ItemPointerData place;

	if (table && find_row(table, &place))
		read_row(table, &place, &mark);
	if (table)
		table_close(table, AccessShareLock);
	*at = mark.at;
	return (uint64) mark.seq;
}
