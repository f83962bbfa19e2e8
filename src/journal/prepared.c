/*
 * prepared.c - the journal's part in two-phase commit.
 *
 * Model: PREPARE TRANSACTION leaves events in journal_part, written by the
 * prepared transaction.  COMMIT PREPARED first commits a row of the journal that
 * announces them with their seqs, then the prepared transaction itself.  A crash
 * between the two leaves an announcement of parts that nobody can see, which
 * readers pass over.  When the transaction is committed after all, it gets new
 * seqs, and the old announcement has to go first: journal_prepared knows it.
 */
#include "journal/prepared.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "journal/journal.h"
#include "journal/layout.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

static void
xid_key(ScanKey key, AttrNumber column, FullTransactionId xid)
{
	ScanKeyInit(key, column, BTEqualStrategyNumber, F_XID8EQ,
				FullTransactionIdGetDatum(xid));
}

uint64
be_prepared_count(FullTransactionId xid)
{
	Relation	table = table_open(be_journal_part_table(), AccessShareLock);
	SnapshotData any;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	uint64		count = 0;

	/* Dirty sees what is in progress, and what is prepared is just that. */
	InitDirtySnapshot(any);
	xid_key(&key, PART_XID, xid);
	scan = systable_beginscan(table, RelationGetPrimaryKeyIndex(table), true,
							  &any, 1, &key);
	while ((tuple = systable_getnext(scan)) != NULL)
	{
		bool		isnull;

		count += DatumGetInt32(heap_getattr(tuple, PART_N, RelationGetDescr(table), &isnull));
	}
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	return count;
}

static Relation
open_prepared(void)
{
	Oid			schema = get_namespace_oid("bugevents", false);

	return table_open(get_relname_relid("journal_prepared", schema), RowExclusiveLock);
}

/* Delete the row of journal_prepared; the seq that it had, or 0. */
static uint64
delete_memory(Relation table, FullTransactionId xid)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	uint64		last_seq = 0;

	xid_key(&key, PREPARED_XID, xid);
	scan = systable_beginscan(table, RelationGetPrimaryKeyIndex(table), true,
							  GetActiveSnapshot(), 1, &key);
	tuple = systable_getnext(scan);
	if (tuple)
	{
		bool		isnull;

		last_seq = DatumGetInt64(heap_getattr(tuple, PREPARED_LAST_SEQ,
											  RelationGetDescr(table), &isnull));
		simple_heap_delete(table, &tuple->t_self);
	}
	systable_endscan(scan);
	return last_seq;
}

static void
delete_announcement(uint64 last_seq)
{
	Relation	table = table_open(be_journal_table(), RowExclusiveLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, JOURNAL_LAST_SEQ, BTEqualStrategyNumber, F_INT8EQ,
				Int64GetDatum(last_seq));
	scan = systable_beginscan(table, RelationGetPrimaryKeyIndex(table), true,
							  GetActiveSnapshot(), 1, &key);
	tuple = systable_getnext(scan);
	if (tuple)
		simple_heap_delete(table, &tuple->t_self);
	systable_endscan(scan);
	table_close(table, NoLock);
}

void
be_prepared_remember(FullTransactionId xid, uint64 last_seq)
{
	Relation	table = open_prepared();
	uint64		earlier = delete_memory(table, xid);
	Datum		values[PREPARED_COLUMNS];
	bool		nulls[PREPARED_COLUMNS] = {0};

	if (earlier != 0)
		delete_announcement(earlier);

	values[PREPARED_XID - 1] = FullTransactionIdGetDatum(xid);
	values[PREPARED_LAST_SEQ - 1] = Int64GetDatum(last_seq);
	CatalogTupleInsert(table, heap_form_tuple(RelationGetDescr(table), values, nulls));
	table_close(table, NoLock);
}

void
be_prepared_forget(FullTransactionId xid)
{
	Relation	table = open_prepared();

	delete_memory(table, xid);
	table_close(table, NoLock);
}
