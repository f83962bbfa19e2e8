/*
 * journal_reader.c - reading the journal in the order of the stream.
 *
 * Model: the segments from the oldest to the newest, in each of them an ordered
 * scan of the primary key from the first transaction that ends behind "after".
 * Rows whose events are in parts lead to a second ordered scan.
 * No SQL: this serves the dispatcher as well, which shouldn't wait
 * for anything but the disk: the tables are read as the catalogs are.
 *
 * Memory: each row is read in a context of its own, reset before the next one:
 * one row or one part is in memory, whatever the transaction's size.
 */
#include "server/journal/journal_reader.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xlog.h"
#include "common/event/event.h"
#include "server/base/compat.h"
#include "server/base/settings.h"
#include "server/journal/journal.h"
#include "server/journal/layout.h"
#include "server/journal/sequence.h"
#include "server/journal/settled_mark.h"
#include "miscadmin.h"
#include "server/queue/queue.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

typedef struct Reader
{
	uint64 after;
	uint64 upto;
	BevJournalPlace *place;
	BevJournalSink sink;
	void *arg;
	uint64 covered; /* handed over so far */
	bool enough;    /* sink wants no more */
} Reader;

static Datum
column(HeapTuple tuple, TupleDesc desc, int number)
{
	bool isnull;
	Datum value = heap_getattr(tuple, number, desc, &isnull);

	if (isnull)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
		                errmsg("unexpected null in column %d of bugevents' journal", number)));
	return value;
}

static void
report_damage(uint64 seq)
{
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
	                errmsg("bugevents' journal is damaged at seq " UINT64_FORMAT, seq)));
}

/*
 * Hand over the part of a run that was asked for.  run covers whole rows or
 * parts; the first or the last events of it may lie outside of (after, upto].
 */
static void
hand_over(Reader *reader, BevJournalRun *run)
{
	uint64 last = run->first_seq + run->count - 1;
	BevEvent event;

	while (run->count > 0 && run->first_seq <= reader->after)
	{
		if (!bev_event_read(run->records, run->size, &event))
			report_damage(run->first_seq);
		run->records += event.size;
		run->size -= event.size;
		run->first_seq++;
		run->tx_n++;
		run->count--;
	}
	if (last > reader->upto)
	{
		Size size = 0;

		run->count = reader->upto < run->first_seq ? 0 : reader->upto - run->first_seq + 1;
		for (uint32 i = 0; i < run->count; i++)
		{
			if (!bev_event_read(run->records + size, run->size - size, &event))
				report_damage(run->first_seq + i);
			size += event.size;
		}
		run->size = size;
	}
	if (run->count == 0)
		return;
	reader->covered = run->first_seq + run->count - 1;
	if (!reader->sink(reader->arg, run))
		reader->enough = true;
}

static void
set_records(BevJournalRun *run, Datum events)
{
	bytea *bytes = DatumGetByteaPP(events);

	run->records = VARDATA_ANY(bytes);
	run->size = VARSIZE_ANY_EXHDR(bytes);
}

/* Is the reader inside this transaction, behind a part that it knows? */
static bool
place_is_usable(const Reader *reader, const BevJournalRun *tx)
{
	return reader->place->xid == tx->xid &&
	       reader->after + 1 >= tx->first_seq + reader->place->before;
}

/* Read the parts of a large transaction; tx describes the whole of it. */
static void
read_parts(Reader *reader, const BevJournalRun *tx, MemoryContext context)
{
	Relation table = table_open(bev_journal_table(BEV_TABLE_PART), AccessShareLock);
	Relation index = index_open(bev_primary_key(table), AccessShareLock);
	TupleDesc desc = RelationGetDescr(table);
	ScanKeyData key[2];
	int keys = 1;
	uint32 before = 0;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key[0], PART_XID, BTEqualStrategyNumber, F_XID8EQ,
	            FullTransactionIdGetDatum(FullTransactionIdFromU64(tx->xid)));
	if (place_is_usable(reader, tx))
	{
		ScanKeyInit(&key[1], PART_ORDINAL, BTGreaterEqualStrategyNumber, F_INT8GE,
		            Int64GetDatum(reader->place->ordinal));
		keys = 2;
		before = reader->place->before;
	}

	scan = systable_beginscan_ordered(table, index, GetActiveSnapshot(), keys, key);
	while (!reader->enough &&
	       (tuple = systable_getnext_ordered(scan, ForwardScanDirection)) != NULL)
	{
		BevJournalRun run = *tx;
		MemoryContext old;

		CHECK_FOR_INTERRUPTS();
		run.count = DatumGetInt32(column(tuple, desc, PART_N));
		run.tx_n = before + 1;
		run.first_seq = tx->first_seq + before;
		if (run.first_seq > reader->upto)
			break;

		*reader->place =
			(BevJournalPlace){.xid = tx->xid,
		                      .ordinal = DatumGetInt64(column(tuple, desc, PART_ORDINAL)),
		                      .before = before};
		before += run.count;
		if (run.first_seq + run.count - 1 <= reader->after)
			continue;

		MemoryContextReset(context);
		old = MemoryContextSwitchTo(context);
		set_records(&run, column(tuple, desc, PART_EVENTS));
		MemoryContextSwitchTo(old);
		hand_over(reader, &run);
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(table, AccessShareLock);
}

/* False: this transaction, and so all that follow, lie behind upto. */
static bool
read_row(Reader *reader, HeapTuple tuple, TupleDesc desc, MemoryContext context)
{
	BevJournalRun run;
	bool in_parts;
	Datum events = heap_getattr(tuple, JOURNAL_EVENTS, desc, &in_parts);

	run.count = run.tx_of = DatumGetInt32(column(tuple, desc, JOURNAL_N));
	run.first_seq = DatumGetInt64(column(tuple, desc, JOURNAL_LAST_SEQ)) - run.count + 1;
	run.tx_n = 1;
	run.xid = U64FromFullTransactionId(DatumGetFullTransactionId(column(tuple, desc, JOURNAL_XID)));
	run.at = DatumGetTimestampTz(column(tuple, desc, JOURNAL_AT));
	if (run.first_seq > reader->upto)
		return false;
	if (in_parts && bev_journal_is_passed_over(BEV_TABLE_PART))
		reader->enough = true; /* for now */
	else if (in_parts)
		read_parts(reader, &run, context);
	else
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		set_records(&run, events);
		MemoryContextSwitchTo(old);
		hand_over(reader, &run);
	}
	return true;
}

/* False: what follows lies behind upto, in this segment and in newer ones. */
static bool
read_segment(Reader *reader, int segment, MemoryContext context)
{
	bool go_on = true;
	Relation table;
	Relation index;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	if (bev_journal_is_passed_over((BevTable) (BEV_TABLE_SEGMENT + segment)))
		return true;
	table = table_open(bev_journal_table(BEV_TABLE_SEGMENT + segment), AccessShareLock);
	index = index_open(bev_primary_key(table), AccessShareLock);
	ScanKeyInit(&key, JOURNAL_LAST_SEQ, BTGreaterStrategyNumber, F_INT8GT,
	            Int64GetDatum(reader->after));
	scan = systable_beginscan_ordered(table, index, GetActiveSnapshot(), 1, &key);
	while (go_on && !reader->enough &&
	       (tuple = systable_getnext_ordered(scan, ForwardScanDirection)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(context);
		go_on = read_row(reader, tuple, RelationGetDescr(table), context);
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(table, AccessShareLock);
	return go_on;
}

/* The queue knows, if it is this database's, and has given out seqs since the start. */
static int
newest_segment(void)
{
	uint64 last_seq;

	if (bev_settings_database_is_served() && bev_queue_next_seq() != 0)
		return bev_queue_segment();
	return bev_journal_newest(&last_seq);
}

uint64
bev_journal_read(uint64 after, uint64 upto, BevJournalPlace *place, BevJournalSink sink, void *arg)
{
	Reader reader = {
		.after = after, .upto = upto, .place = place, .sink = sink, .arg = arg, .covered = after};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "bugevents journal row",
	                                              ALLOCSET_DEFAULT_SIZES);
	int newest = newest_segment();

	/* From the oldest on.  A segment that is begun now has seqs behind upto. */
	for (int i = 1; i <= BEV_SEGMENTS && !reader.enough; i++)
		if (!read_segment(&reader, (newest + i) % BEV_SEGMENTS, context))
			break;
	if (!reader.enough)
		reader.covered = upto;
	MemoryContextDelete(context);
	return reader.covered;
}

/* In one segment; 0: none. */
static uint64
first_end_from(int segment, uint64 seq, TimestampTz *at)
{
	Relation table = table_open(bev_journal_table(BEV_TABLE_SEGMENT + segment), AccessShareLock);
	Relation index = index_open(bev_primary_key(table), AccessShareLock);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple tuple;
	uint64 end;

	ScanKeyInit(&key, JOURNAL_LAST_SEQ, BTGreaterEqualStrategyNumber, F_INT8GE, Int64GetDatum(seq));
	scan = systable_beginscan_ordered(table, index, GetActiveSnapshot(), 1, &key);
	tuple = systable_getnext_ordered(scan, ForwardScanDirection);
	end = tuple ? DatumGetInt64(column(tuple, RelationGetDescr(table), JOURNAL_LAST_SEQ)) : 0;
	if (tuple)
		*at = DatumGetTimestampTz(column(tuple, RelationGetDescr(table), JOURNAL_AT));
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(table, AccessShareLock);
	return end;
}

/* In all of them. */
static uint64
first_end(uint64 seq, TimestampTz *at)
{
	uint64 first = 0;

	for (int i = 0; i < BEV_SEGMENTS; i++)
	{
		TimestampTz end_at;
		uint64 end = first_end_from(i, seq, &end_at);

		if (end == 0 || (first != 0 && end >= first))
			continue;
		first = end;
		*at = end_at;
	}
	return first;
}

uint64
bev_journal_end_of(uint64 seq)
{
	TimestampTz unused;

	return first_end(seq, &unused);
}

uint64
bev_journal_next(uint64 seq, TimestampTz *at)
{
	return first_end(seq + 1, at);
}

uint64
bev_journal_horizon(void)
{
	if (!bev_settings_database_is_served())
		return PG_INT64_MAX; /* nobody writes: it is all decided */
	bev_sequence_begin();
	return bev_queue_horizon();
}

/*
 * The seq up to which the active snapshot, which is pushed here, sees everything.
 * The queue is asked first: what it says is visible then.  A standby has the journal and the mark.
 */
static uint64
push_snapshot_of_now(void)
{
	uint64 upto;

	if (RecoveryInProgress())
	{
		TimestampTz unused;

		upto = bev_settled_mark_read(&unused);
		PushActiveSnapshot(GetLatestSnapshot());
		return Max(upto, bev_journal_decided());
	}
	upto = bev_journal_horizon();
	PushActiveSnapshot(GetLatestSnapshot());
	return upto;
}

uint64
bev_journal_read_settled(uint64 after, uint64 upto, BevJournalSink sink, void *arg)
{
	uint64 settled = push_snapshot_of_now();
	BevJournalPlace place = {0};

	(void) bev_journal_read(after, Min(upto, settled), &place, sink, arg);
	PopActiveSnapshot();
	return settled;
}
