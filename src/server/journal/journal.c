/*
 * journal.c - the durable copy of the stream: writing it.
 *
 * Model: rows are formed and inserted directly, in the writer's transaction,
 * without SPI and without looking at privileges: whoever may write the attached
 * table publishes.  The rows are plain MVCC rows, so commit, rollback, savepoints
 * and crashes do with them what they do with the writer's own.
 *
 * The fast way is the heap's and the primary key's own, without the executor.  Where a table has
 * more on it than was installed (indexes, triggers, columns), rows take the executor's way, so
 * that a table's upkeep, by whatever tool, neither loses a row nor refuses one (test/t/208).
 * It is decided each time the table is opened, by what the relation cache knows under the lock.
 *
 * Failure: an error here (disk full, a cancelled lock wait) aborts the writer's
 * transaction as an error of its own INSERT would.
 *
 * Not here: reading (journal_reader.c), and who decides when to write (server/commit/commit.c).
 */
#include "server/journal/journal.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/stratnum.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "nodes/execnodes.h"
#include "pgstat.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "server/base/compat.h"
#include "server/base/table_lock.h"
#include "server/journal/applied.h"
#include "server/journal/executor_write.h"
#include "server/journal/layout.h"
#include "server/shared/counters.h"

/* Rows above it may be stored out of line, which wants a snapshot. */
#define TOAST_POSSIBLE 2000

static const char *const names[BEV_TABLES] = {"journal_0",    "journal_1",      "journal_2",
                                              "journal_part", "journal_parted", "stream",
                                              "unserved",     "eras",           "settled_mark"};

/* Those that it was installed with; journal.h's functions write to these tables only. */
static const int columns[BEV_TABLES] = {JOURNAL_COLUMNS, JOURNAL_COLUMNS, JOURNAL_COLUMNS,
                                        PART_COLUMNS, PARTED_COLUMNS};

static Oid oids[BEV_TABLES];

/* Somebody changed a table: find ours again if it may have been one of them. */
static void
forget_tables(Datum arg pg_attribute_unused(), Oid relid)
{
	bool ours = !OidIsValid(relid);

	for (int i = 0; i < BEV_TABLES; i++)
		ours |= oids[i] == relid;
	if (ours)
		memset(oids, 0, sizeof(oids));
}

Oid
bev_journal_table(BevTable table)
{
	static bool registered = false;

	if (!registered)
	{
		CacheRegisterRelcacheCallback(forget_tables, (Datum) 0);
		registered = true;
	}
	if (!OidIsValid(oids[table]))
	{
		Oid schema = get_namespace_oid("bugevents", true);

		if (OidIsValid(schema))
			oids[table] = get_relname_relid(names[table], schema);
	}
	return oids[table];
}

static bool passed_over[BEV_TABLES]; /* by the transaction that is under way */

static bool
may_pass_over(BevTable table)
{
	return table < BEV_TABLE_SEGMENT + BEV_SEGMENTS || table == BEV_TABLE_PART;
}

static bool
try_lock(bool may_pass)
{
	memset(passed_over, 0, sizeof(passed_over));
	for (int table = 0; table < BEV_TABLES; table++)
		if (!bev_table_lock_try(bev_journal_table((BevTable) table)))
		{
			if (!may_pass || !may_pass_over((BevTable) table))
				return false;
			passed_over[table] = true;
		}
	return true;
}

bool
bev_journal_try_lock(void)
{
	return try_lock(false);
}

bool
bev_journal_try_lock_most(void)
{
	return try_lock(true);
}

bool
bev_journal_is_passed_over(BevTable table)
{
	return passed_over[table];
}

/* A segment's row as it is stored, up to its events (layout.h). */
typedef struct SegmentRow
{
	char header[MAXALIGN(SizeofHeapTupleHeader)];
	int64 last_seq;
	int32 n;
	int64 low;
	uint64 xid;
	TimestampTz at;
	char events[VARHDRSZ]; /* the varlena's header; then records */
} SegmentRow;

#define SEGMENT_ROW_HEAD (offsetof(SegmentRow, events) + VARHDRSZ)

StaticAssertDecl(SEGMENT_ROW_HEAD == BEV_JOURNAL_ROOM, "what is before the events has room");

/* Is the primary key just the table's first columns? */
static bool
is_our_key(Relation index)
{
	const FormData_pg_index *form = index->rd_index;

	for (int i = 0; i < form->indnatts; i++)
		if (form->indkey.values[i] != i + 1)
			return false;
	return true;
}

static bool
is_as_installed(Relation table, BevTable kind)
{
	const TupleConstr *constraints = RelationGetDescr(table)->constr;

	return bev_applied_only_ours(table) && RelationGetNumberOfAttributes(table) == columns[kind] &&
	       (constraints == NULL ||
	        (constraints->num_check == 0 && !constraints->has_generated_stored)) &&
	       table->rd_tableam == GetHeapamTableAmRoutine();
}

/*
 * As try_relation_open() of what the lock on the table keeps there, without its look into the
 * catalog.
 */
static Relation
open_relation(Oid oid)
{
	Relation rel = RelationIdGetRelation(oid);

	if (rel)
		pgstat_init_relation(rel);
	return rel;
}

/*
 * The primary key, if a row needs to go nowhere else; or NULL.  It needs no lock of its own: what
 * takes an index away, or changes its file, locks the table (index_move.c).
 */
static Relation
open_only_index(Relation table, BevTable kind)
{
	Oid oid = bev_primary_key(table); /* brings the list of indexes up to date */
	Relation index;

	if (!OidIsValid(oid) || list_length(table->rd_indexlist) != 1 || !is_as_installed(table, kind))
		return NULL;
	index = open_relation(oid);
	if (index == NULL || is_our_key(index))
		return index;
	RelationClose(index);
	return NULL;
}

bool
bev_journal_open(BevJournal *journal, BevTable table)
{
	Oid oid = bev_journal_table(table);

	if (!OidIsValid(oid))
		return false;
	LockRelationOid(oid, RowExclusiveLock);
	journal->table = open_relation(oid);
	if (journal->table == NULL)
		return false;
	journal->index = open_only_index(journal->table, table);
	return true;
}

void
bev_journal_close(BevJournal *journal)
{
	if (journal->index)
		RelationClose(journal->index);
	RelationClose(journal->table);
}

/*
 * Insert a row and its entry in the primary key, whose columns are the first
 * ones of the table.  This is CatalogTupleInsert without what it does to be fit
 * for any index: a fourth of the cost of the commit, when measured.
 */
static void
insert_tuple(BevJournal *journal, HeapTuple tuple, Datum *key, bool *nulls)
{
	static IndexInfo info = {.type = T_IndexInfo}; /* a btree doesn't look at it */
	bool snapshot = tuple->t_len > TOAST_POSSIBLE;

	if (snapshot)
		PushActiveSnapshot(GetTransactionSnapshot());
	/* No logical decoding: another database has its own journal. */
	heap_insert(journal->table, tuple, GetCurrentCommandId(true), HEAP_INSERT_NO_LOGICAL, NULL);
	index_insert(journal->index, key, nulls, &tuple->t_self, journal->table, UNIQUE_CHECK_YES,
	             false, &info);
	if (snapshot)
		PopActiveSnapshot();
}

static void
insert_fast(BevJournal *journal, Datum *values, bool *nulls)
{
	HeapTuple tuple = heap_form_tuple(RelationGetDescr(journal->table), values, nulls);

	insert_tuple(journal, tuple, values, nulls);
	heap_freetuple(tuple);
}

/* A segment's row, formed around its records. */
static void
insert_in_place(BevJournal *journal, const BevJournalRow *row, char *records, Size size)
{
	SegmentRow *image = (SegmentRow *) records;
	HeapTupleHeader header = (HeapTupleHeader) image->header;
	HeapTupleData tuple = {.t_len = (uint32) (SEGMENT_ROW_HEAD + size), .t_data = header};
	Datum key = Int64GetDatum(row->first_seq + row->n - 1);
	bool null = false;

	memset(image, 0, SEGMENT_ROW_HEAD);
	header->t_hoff = sizeof(image->header);
	header->t_infomask = HEAP_HASVARWIDTH;
	HeapTupleHeaderSetNatts(header, JOURNAL_COLUMNS);
	ItemPointerSetInvalid(&header->t_ctid);
	ItemPointerSetInvalid(&tuple.t_self);
	image->last_seq = DatumGetInt64(key);
	image->n = (int32) row->n;
	image->low = (int64) row->low;
	image->xid = U64FromFullTransactionId(row->xid);
	image->at = row->at;
	SET_VARSIZE(image->events, VARHDRSZ + size);
	insert_tuple(journal, &tuple, &key, &null);
}

static void
insert_slowly(Relation table, int n, const Datum *values, const bool *nulls)
{
	if (bev_counters_slow_write())
		ereport(LOG, (errmsg("bugevents writes table \"bugevents.%s\" by the executor",
		                     RelationGetRelationName(table)),
		              errdetail("It has indexes, triggers or columns beside those that it was "
		                        "installed with, which makes commits slower."),
		              errhint("Drop what nobody needs; an interrupted REINDEX CONCURRENTLY or "
		                      "pg_repack leaves such things.")));
	bev_executor_insert(table, n, values, nulls);
}

static void
insert_row(BevJournal *journal, int n, Datum *values, bool *nulls)
{
	if (journal->index)
		insert_fast(journal, values, nulls);
	else
		insert_slowly(journal->table, n, values, nulls);
}

static Datum
records_datum(char *records, Size size)
{
	char *varlena = records + BEV_JOURNAL_ROOM - VARHDRSZ;

	SET_VARSIZE(varlena, VARHDRSZ + size);
	return PointerGetDatum(varlena);
}

void
bev_journal_insert(BevJournal *journal, const BevJournalRow *row, char *records, Size size)
{
	Datum values[JOURNAL_COLUMNS];
	bool nulls[JOURNAL_COLUMNS] = {0};

	if (journal->index && records)
	{
		insert_in_place(journal, row, records, size);
		return;
	}
	values[JOURNAL_LAST_SEQ - 1] = Int64GetDatum(row->first_seq + row->n - 1);
	values[JOURNAL_N - 1] = Int32GetDatum(row->n);
	values[JOURNAL_LOW - 1] = Int64GetDatum(row->low);
	values[JOURNAL_XID - 1] = FullTransactionIdGetDatum(row->xid);
	values[JOURNAL_AT - 1] = TimestampTzGetDatum(row->at);
	nulls[JOURNAL_EVENTS - 1] = records == NULL;
	values[JOURNAL_EVENTS - 1] = records ? records_datum(records, size) : (Datum) 0;
	insert_row(journal, JOURNAL_COLUMNS, values, nulls);
}

void
bev_journal_insert_part(BevJournal *journal, FullTransactionId xid, uint64 ordinal, uint32 n,
                        char *records, Size size)
{
	Datum values[PART_COLUMNS];
	bool nulls[PART_COLUMNS] = {0};

	values[PART_XID - 1] = FullTransactionIdGetDatum(xid);
	values[PART_ORDINAL - 1] = Int64GetDatum(ordinal);
	values[PART_N - 1] = Int32GetDatum(n);
	values[PART_EVENTS - 1] = records_datum(records, size);
	insert_row(journal, PART_COLUMNS, values, nulls);
}

void
bev_journal_insert_parted(BevJournal *journal, FullTransactionId xid, uint64 last_seq)
{
	Datum values[PARTED_COLUMNS];
	bool nulls[PARTED_COLUMNS] = {0};

	values[PARTED_XID - 1] = FullTransactionIdGetDatum(xid);
	values[PARTED_LAST_SEQ - 1] = Int64GetDatum(last_seq);
	insert_row(journal, PARTED_COLUMNS, values, nulls);
}

/* What is read of a row. */
typedef struct RowHead
{
	uint64 last_seq; /* 0: there is no row, or the segment is passed over */
	uint64 first_seq;
	uint64 low;
	TimestampTz at;
} RowHead;

/* The last or the first row of a segment, in the order of the key. */
static RowHead
row_at_end(int segment, ScanDirection direction, Snapshot snapshot)
{
	Relation table;
	Relation index;
	SysScanDesc scan;
	HeapTuple tuple;
	RowHead row = {0};

	if (passed_over[BEV_TABLE_SEGMENT + segment])
		return row;
	table = table_open(bev_journal_table(BEV_TABLE_SEGMENT + segment), AccessShareLock);
	index = index_open(bev_primary_key(table), AccessShareLock);
	scan = systable_beginscan_ordered(table, index, snapshot, 0, NULL);
	tuple = systable_getnext_ordered(scan, direction);
	if (tuple)
	{
		TupleDesc desc = RelationGetDescr(table);
		bool isnull;

		row.last_seq = DatumGetInt64(heap_getattr(tuple, JOURNAL_LAST_SEQ, desc, &isnull));
		row.first_seq =
			row.last_seq + 1 - DatumGetInt32(heap_getattr(tuple, JOURNAL_N, desc, &isnull));
		row.low = DatumGetInt64(heap_getattr(tuple, JOURNAL_LOW, desc, &isnull));
		row.at = DatumGetTimestampTz(heap_getattr(tuple, JOURNAL_AT, desc, &isnull));
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(table, AccessShareLock);
	return row;
}

/* Dirty: a row of a transaction in progress counts as well. */
static RowHead
any_row_at_end(int segment, ScanDirection direction)
{
	SnapshotData any;

	InitDirtySnapshot(any);
	return row_at_end(segment, direction, &any);
}

uint64
bev_journal_last_seq(int segment, TimestampTz *at)
{
	RowHead row = any_row_at_end(segment, BackwardScanDirection);

	if (at)
		*at = row.at;
	return row.last_seq;
}

bool
bev_journal_first_at(int segment, TimestampTz *at)
{
	RowHead row = any_row_at_end(segment, ForwardScanDirection);

	*at = row.at;
	return row.last_seq != 0;
}

int
bev_journal_newest(uint64 *last_seq)
{
	int newest = 0;

	*last_seq = 0;
	for (int i = 0; i < BEV_SEGMENTS; i++)
	{
		uint64 last = bev_journal_last_seq(i, NULL);

		if (last > *last_seq)
		{
			*last_seq = last;
			newest = i;
		}
	}
	return newest;
}

/* Any row's low would do; the last one's is greater than most. */
uint64
bev_journal_decided(void)
{
	uint64 decided = 0;

	for (int i = 0; i < BEV_SEGMENTS; i++)
	{
		RowHead row = row_at_end(i, BackwardScanDirection, GetActiveSnapshot());

		decided = Max(decided, row.low);
	}
	return decided;
}

uint64
bev_journal_floor(void)
{
	uint64 floor = PG_UINT64_MAX;
	bool any = false;

	for (int i = 0; i < BEV_SEGMENTS; i++)
	{
		RowHead row = row_at_end(i, ForwardScanDirection, GetActiveSnapshot());

		any |= passed_over[BEV_TABLE_SEGMENT + i];
		if (row.last_seq != 0)
			floor = Min(floor, row.first_seq - 1);
	}
	return any ? floor : 0;
}

/*
 * The greatest low of a segment's rows up to a seq, if it is above low.  A row's low is below its
 * own seq, so those that end at or below what is found have none that is greater.
 */
static uint64
greatest_low(int segment, uint64 seq, uint64 low)
{
	Relation table = table_open(bev_journal_table(BEV_TABLE_SEGMENT + segment), AccessShareLock);
	Relation index = index_open(bev_primary_key(table), AccessShareLock);
	TupleDesc desc = RelationGetDescr(table);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple tuple;
	bool isnull;

	ScanKeyInit(&key, JOURNAL_LAST_SEQ, BTLessEqualStrategyNumber, F_INT8LE, Int64GetDatum(seq));
	scan = systable_beginscan_ordered(table, index, GetActiveSnapshot(), 1, &key);
	while ((tuple = systable_getnext_ordered(scan, BackwardScanDirection)) != NULL &&
	       (uint64) DatumGetInt64(heap_getattr(tuple, JOURNAL_LAST_SEQ, desc, &isnull)) > low)
		low = Max(low, (uint64) DatumGetInt64(heap_getattr(tuple, JOURNAL_LOW, desc, &isnull)));
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(table, AccessShareLock);
	return low;
}

uint64
bev_journal_decided_below(uint64 seq)
{
	uint64 low = 0;

	for (int i = 0; i < BEV_SEGMENTS; i++)
		low = greatest_low(i, seq, low);
	return low;
}

int64
bev_journal_bytes(void)
{
	int64 size = 0;

	for (int table = 0; table < BEV_TABLE_STREAM; table++)
		if (!passed_over[table])
			size += DatumGetInt64(DirectFunctionCall1(pg_total_relation_size,
			                                          ObjectIdGetDatum(bev_journal_table(table))));
	return size;
}
