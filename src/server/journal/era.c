/*
 * era.c - the eras of the stream: which positions are of this database's history.
 *
 * Model: seqs are given out without a break from the start of a server to its end: an era, with a
 * uuid that is drawn when it begins (sequence.c).  A client's position is a seq and the era in
 * which it was given out.  Servers may go on from the same past: a standby that was promoted before
 * it had everything, a backup that was restored, a copy.  Each begins an era of its own, and notes
 * of the eras before how far it has them:
 *
 *		upto(e) = the greatest seq up to which every transaction of e is here, or is nowhere.
 *
 * A position in an era that ended is good up to upto(e); one in an era that isn't here is of
 * another history (test/t/204_backup.pl, 207_standby.pl).
 *
 * What upto is, is said by the journal's rows of the era: each tells a seq, low, up to which all
 * was decided when it was written, so what is decided below it is here if the row is.  From
 * the greatest of them on, rows that follow one another without a gap are here as well.  A gap may
 * be a transaction that was rolled back, or one that is missing here.  So that a rolled-back one
 * costs nobody a resync, there is the mark (settled_mark.c), too.  What retention has dropped was
 * decided as well: no row may be left.
 *
 * Which era a row is of: that with the greatest base below its seq.  For that to be true each
 * era has to be in the table if any row of it is.  The dispatcher records it, but may not run yet;
 * so until then a transaction leaves a row of its own (bev_era_mark), which commits with it.  When
 * one has committed, later ones needn't: their commits come behind it in the WAL, so that whatever
 * has one of them has the row (test/t/213_eras.pl).
 *
 * Concurrency: sessions only insert; the dispatcher alone changes and deletes, and replaces what
 * they left.
 *
 * Failure: an era that was recorded but never served is one without positions.
 *
 * Cost: for sessions, a read of shared memory.  When a server starts, a read of the journal from
 * the last decided seq on.
 */
#include "server/journal/era.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "server/base/statement.h"
#include "server/journal/executor_write.h"
#include "server/journal/journal.h"
#include "server/journal/journal_reader.h"
#include "server/journal/layout.h"
#include "server/journal/settled_mark.h"
#include "server/queue/queue.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

static BevValue
uuid_value(const pg_uuid_t *id)
{
	return (BevValue){UUIDOID, false, UUIDPGetDatum(id)};
}

static Oid marking = InvalidOid; /* the table in which this transaction left a row */

void
bev_era_mark(void)
{
	BevEra era;
	Relation table;
	Datum values[3];
	bool nulls[3] = {0};
	Oid oid;

	if (bev_queue_era_is_recorded())
		return;
	oid = bev_journal_table(BEV_TABLE_ERAS);
	if (OidIsValid(oid) && bev_queue_era_is_marked(oid))
		return;
	table = OidIsValid(oid) ? try_table_open(oid, RowExclusiveLock) : NULL;
	if (table == NULL)
		return; /* an earlier version of the extension is installed */
	era = bev_queue_era();
	values[0] = UUIDPGetDatum(&era.id);
	values[1] = Int64GetDatum(era.base);
	values[2] = TimestampTzGetDatum(GetCurrentTimestamp());
	bev_executor_insert(table, 3, values, nulls);
	table_close(table, NoLock);
	marking = oid;
}

void
bev_era_end_transaction(bool committed)
{
	if (committed && OidIsValid(marking))
		bev_queue_era_was_marked(marking);
	marking = InvalidOid;
}

/* ---- the end of an era ---- */

/* Of rows in the order of the stream. */
static bool
follow_on(void *arg, const BevJournalRun *run)
{
	uint64 *upto = arg;

	if (run->first_seq != *upto + 1)
		return false;
	*upto += run->count;
	return true;
}

/* The upto of an era with seqs in (base, next], which is at least known. */
static uint64
find_end(uint64 base, uint64 next, uint64 known)
{
	uint64 upto = Max(Max(base, known), bev_journal_decided_below(next));
	BevJournalPlace place = {0};

	(void) bev_journal_read(upto, next, &place, follow_on, &upto);
	return Min(upto, next);
}

/* Those that have another one behind them. */
static void
end_eras(void)
{
	static BevStatement open_eras = {
		.sql = "SELECT era, base, next, least(next, greatest($1, dropped)) FROM"
			   " (SELECT era, min(base) AS base, bool_or(ended) AS ended,"
			   " lead(min(base)) OVER (ORDER BY min(base)) AS next"
			   " FROM bugevents.eras GROUP BY era) AS e, bugevents.stream"
			   " WHERE ended IS NULL AND next IS NOT NULL"};
	static BevStatement end_era = {
		.sql = "UPDATE bugevents.eras SET upto = $2, ended = true WHERE era = $1"};
	TimestampTz unused;
	BevValue marked = bev_int_value(bev_settled_mark_read(&unused));
	int n = bev_statement_run(&open_eras, 1, &marked);
	SPITupleTable *found = SPI_tuptable;

	for (int i = 0; i < n; i++)
	{
		uint64 column[3];
		BevValue values[2];
		bool isnull;

		for (int c = 0; c < 3; c++)
			column[c] =
				DatumGetInt64(SPI_getbinval(found->vals[i], found->tupdesc, c + 2, &isnull));
		values[0] =
			uuid_value(DatumGetUUIDP(SPI_getbinval(found->vals[i], found->tupdesc, 1, &isnull)));
		values[1] = bev_int_value(find_end(column[0], column[1], column[2]));
		bev_statement_run(&end_era, 2, values);
	}
	SPI_freetuptable(found);
}

/* ---- its begin ---- */

static void
record(const pg_uuid_t *id, uint64 base)
{
	static BevStatement forget = {.sql = "DELETE FROM bugevents.eras WHERE era = $1 OR ended AND"
	                                     " upto < (SELECT dropped FROM bugevents.stream)"};
	static BevStatement add = {.sql = "INSERT INTO bugevents.eras (era, base, at, timeline)"
	                                  " VALUES ($1, $2, now(), $3::integer)"};
	static BevStatement name = {.sql = "UPDATE bugevents.stream SET id = $1"};
	BevValue values[] = {uuid_value(id), bev_int_value(base),
	                     bev_int_value(GetWALInsertionTimeLine())};

	bev_statement_run(&forget, 1, values);
	bev_statement_run(&add, 3, values);
	bev_statement_run(&name, 1, values);
	end_eras();
}

static bool
is_here(const pg_uuid_t *id)
{
	static BevStatement find = {
		.sql = "SELECT 1 FROM bugevents.eras WHERE era = $1 AND timeline IS NOT NULL LIMIT 1"};
	BevValue value = uuid_value(id);
	bool found = bev_statement_run(&find, 1, &value) == 1;

	bev_statement_done();
	return found;
}

/*
 * The era of this server's life.  It is recorded when the database has it, as it was committed:
 * said by a transaction that began later.
 */
static bool
is_begun(const BevStreamRow *row)
{
	BevEra era = bev_queue_era();

	if (bev_queue_era_is_recorded())
		return true;
	if (memcmp(&row->id, &era.id, sizeof(era.id)) == 0 && is_here(&era.id))
	{
		bev_queue_era_was_recorded();
		return true;
	}
	record(&era.id, era.base);
	return false;
}

bool
bev_era_is_recorded(const BevStreamRow *row, uint64 (*skip_seq)(void))
{
	static pg_uuid_t known; /* is in the table */
	bool recorded;

	if (memcmp(&row->id, &known, sizeof(known)) == 0 && bev_queue_era_is_recorded())
		return true;
	SPI_connect();
	recorded = is_begun(row);
	/* A stream that another one replaced while the server runs: CREATE EXTENSION, or renewed. */
	if (recorded && !is_here(&row->id))
	{
		record(&row->id, skip_seq());
		recorded = false;
	}
	SPI_finish();
	if (recorded)
		known = row->id;
	return recorded;
}

/* ---- on a standby ---- */

typedef struct EraRow
{
	pg_uuid_t id;
	uint64 base;
	bool is_recorded;
} EraRow;

static void
look_at_rows(void (*look)(void *arg, const EraRow *row), void *arg)
{
	Oid oid = bev_journal_table(BEV_TABLE_ERAS);
	Relation table = OidIsValid(oid) ? try_table_open(oid, AccessShareLock) : NULL;
	SysScanDesc scan;
	HeapTuple tuple;

	if (table == NULL)
		return;
	scan = systable_beginscan(table, InvalidOid, false, GetActiveSnapshot(), 0, NULL);
	while ((tuple = systable_getnext(scan)) != NULL)
	{
		TupleDesc desc = RelationGetDescr(table);
		EraRow row;
		bool isnull;

		row.id = *DatumGetUUIDP(heap_getattr(tuple, ERAS_ERA, desc, &isnull));
		row.base = DatumGetInt64(heap_getattr(tuple, ERAS_BASE, desc, &isnull));
		(void) heap_getattr(tuple, ERAS_TIMELINE, desc, &isnull);
		row.is_recorded = !isnull;
		look(arg, &row);
	}
	systable_endscan(scan);
	table_close(table, AccessShareLock);
}

/* Looked for is that of an id, if it is recorded. */
static void
look_for_id(void *arg, const EraRow *row)
{
	EraRow *wanted = arg;

	if (row->is_recorded && memcmp(&row->id, &wanted->id, sizeof(row->id)) == 0)
		*wanted = *row;
}

bool
bev_era_base(const pg_uuid_t *era, uint64 *base)
{
	EraRow wanted = {.id = *era};

	look_at_rows(look_for_id, &wanted);
	*base = wanted.base;
	return wanted.is_recorded;
}

typedef struct NextBase
{
	uint64 above;
	uint64 least;
} NextBase;

static void
look_for_next(void *arg, const EraRow *row)
{
	NextBase *next = arg;

	if (row->base > next->above)
		next->least = Min(next->least, row->base);
}

uint64
bev_era_next_base(uint64 base)
{
	NextBase next = {.above = base, .least = PG_UINT64_MAX};

	look_at_rows(look_for_next, &next);
	return next.least;
}

/* ---- telling ---- */

int
bev_era_list(uint64 dropped, BevPastEra **eras)
{
	static BevStatement list = {
		.sql = "SELECT era, max(upto) FROM bugevents.eras WHERE ended AND upto >= $1"
			   " GROUP BY era ORDER BY max(base) DESC LIMIT $2"};
	BevValue values[] = {bev_int_value(dropped), bev_int_value(BEV_PAST_ERAS_MAX)};
	MemoryContext context = CurrentMemoryContext;
	int n;

	SPI_connect();
	n = bev_statement_run(&list, 2, values);
	*eras = MemoryContextAllocZero(context, Max(n, 1) * sizeof(BevPastEra));
	for (int i = 0; i < n; i++)
	{
		HeapTuple tuple = SPI_tuptable->vals[i];
		bool isnull;

		strlcpy((*eras)[i].id, SPI_getvalue(tuple, SPI_tuptable->tupdesc, 1),
		        sizeof((*eras)[i].id));
		(*eras)[i].upto = DatumGetInt64(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 2, &isnull));
	}
	bev_statement_done();
	SPI_finish();
	return n;
}
