/*
 * spilled.c - the transactions whose events are in journal_part.
 *
 * Model: journal_parted has a row for each, written with the journal's row.  It
 * leads from the parts to their seqs, for retention, and it makes two-phase
 * commit safe: COMMIT PREPARED first commits a row of the journal that announces
 * the events with their seqs, then the prepared transaction itself.  A crash
 * between the two leaves an announcement of parts that nobody can see, which
 * readers pass over.  When the transaction is committed after all, it gets new
 * seqs, and the old announcement has to go first.
 */
#include "server/journal/spilled.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "server/base/compat.h"
#include "server/journal/executor_write.h"
#include "server/journal/journal.h"
#include "server/journal/layout.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

static void
xid_key(ScanKey key, AttrNumber column, FullTransactionId xid)
{
	ScanKeyInit(key, column, BTEqualStrategyNumber, F_XID8EQ, FullTransactionIdGetDatum(xid));
}

uint64
bev_spilled_count(FullTransactionId xid)
{
	Relation table = table_open(bev_journal_table(BEV_TABLE_PART), AccessShareLock);
	SnapshotData any;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	uint64 count = 0;

	/* Dirty sees what is in progress, and what is prepared is just that. */
	InitDirtySnapshot(any);
	xid_key(&key, PART_XID, xid);
	scan = systable_beginscan(table, bev_primary_key(table), true, &any, 1, &key);
	while ((tuple = systable_getnext(scan)) != NULL)
	{
		bool isnull;

		count += DatumGetInt32(heap_getattr(tuple, PART_N, RelationGetDescr(table), &isnull));
	}
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	return count;
}

bool
bev_spilled_any(void)
{
	Relation table = table_open(bev_journal_table(BEV_TABLE_PART), AccessShareLock);
	SnapshotData any;
	SysScanDesc scan;
	bool found;

	InitDirtySnapshot(any);
	scan = systable_beginscan(table, bev_primary_key(table), true, &any, 0, NULL);
	found = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	return found;
}

/* Delete the row with this key; the value of a bigint column of it, or 0. */
static uint64
delete_row(Relation table, ScanKey key, int column)
{
	SysScanDesc scan =
		systable_beginscan(table, bev_primary_key(table), true, GetActiveSnapshot(), 1, key);
	HeapTuple tuple = systable_getnext(scan);
	uint64 value = 0;

	if (tuple)
	{
		bool isnull;

		value = DatumGetInt64(heap_getattr(tuple, column, RelationGetDescr(table), &isnull));
		bev_executor_delete(table, &tuple->t_self);
	}
	systable_endscan(scan);
	return value;
}

void
bev_spilled_lock(void)
{
	BevJournal parted;

	if (bev_journal_open(&parted, BEV_TABLE_PARTED))
		bev_journal_close(&parted);
}

/*
 * All locks first, then a snapshot: retention deletes such rows, too, and has one of
 * the segments locked then.
 */
void
bev_spilled_forget(FullTransactionId xid)
{
	Relation table = table_open(bev_journal_table(BEV_TABLE_PARTED), RowExclusiveLock);
	Relation segment[BEV_SEGMENTS];
	ScanKeyData key;
	uint64 last_seq;

	for (int i = 0; i < BEV_SEGMENTS; i++)
		segment[i] = table_open(bev_journal_table(BEV_TABLE_SEGMENT + i), RowExclusiveLock);
	PushActiveSnapshot(GetLatestSnapshot());

	xid_key(&key, PARTED_XID, xid);
	last_seq = delete_row(table, &key, PARTED_LAST_SEQ);
	ScanKeyInit(&key, JOURNAL_LAST_SEQ, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(last_seq));
	for (int i = 0; i < BEV_SEGMENTS; i++)
	{
		if (last_seq != 0)
			delete_row(segment[i], &key, JOURNAL_LAST_SEQ);
		table_close(segment[i], NoLock);
	}

	PopActiveSnapshot();
	table_close(table, NoLock);
}

void
bev_spilled_remember(FullTransactionId xid, uint64 last_seq)
{
	BevJournal parted;

	if (!bev_journal_open(&parted, BEV_TABLE_PARTED))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
		                errmsg("table bugevents.journal_parted does not exist")));
	bev_journal_insert_parted(&parted, xid, last_seq);
	bev_journal_close(&parted);
}
