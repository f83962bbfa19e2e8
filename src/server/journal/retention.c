/*
 * retention.c - keeping the journal within its bounds of time and size.
 *
 * Model: three segments in turn.  The one that is written is closed when it holds
 * half of bugevents.retention, or a third of bugevents.retention_size, and the
 * oldest is empty by then or can be emptied.  A segment that was closed can be
 * emptied when its newest event is older than bugevents.retention, or all are too
 * large together.  What a consumer hasn't read (consumers.c) stays until it is older than
 * bugevents.consumer_retention, too.  Without such, the journal holds between 1 and 1.5 times
 * bugevents.retention, and exceeds its size by what is written in a second or two.
 *
 * Why TRUNCATE: DELETE leaves the work to vacuum, which a snapshot that somebody
 * holds anywhere in the database stops; the journal then grows without bound.
 * TRUNCATE gives the space back at once.  It needs a moment in which nobody reads
 * the segment; it isn't waited for, because what waits for such a lock makes all
 * others wait behind it.  A reader delays it to the next second.
 *
 * Parts of large transactions are deleted: they are few, and one may be older
 * than its transaction's row.  What they leave is taken by later ones once vacuum
 * came, and given back when no part is left.
 *
 * Not here: readers that were told a seq that is gone by now; they compare with
 * stream.dropped, while they hold a lock on the segments or after they have read.
 */
#include "server/journal/retention.h"

#include "access/relation.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "commands/tablecmds.h"
#include "executor/spi.h"
#include "pgstat.h"
#include "server/base/compat.h"
#include "server/base/settings.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "server/journal/applied.h"
#include "server/journal/consumers.h"
#include "server/journal/journal.h"
#include "server/journal/spilled.h"
#include "server/queue/queue.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#define LOCK_TRIES 200
#define LOCK_PAUSE 1000 /* us */

static int64
table_size(BevTable table)
{
	return DatumGetInt64(
		DirectFunctionCall1(pg_total_relation_size, ObjectIdGetDatum(bev_journal_table(table))));
}

static bool
is_too_large(void)
{
	return bev_retention_size > 0 && bev_journal_bytes() > (int64) bev_retention_size * 1024;
}

static bool
is_older(TimestampTz at, int64 seconds)
{
	return at < GetCurrentTimestamp() - seconds * USECS_PER_SEC;
}

/* Is it time to close the segment that is being written? */
static bool
is_full(int segment)
{
	TimestampTz first;

	if (!bev_journal_first_at(segment, &first))
		return false;
	return is_older(first, bev_retention / 2) ||
	       (bev_retention_size > 0 &&
	        table_size(BEV_TABLE_SEGMENT + segment) > (int64) bev_retention_size * 1024 / 3);
}

static void
run(const char *sql, uint64 seq)
{
	Oid type = INT8OID;
	Datum value = Int64GetDatum(seq);
	int result = SPI_execute_with_args(sql, seq != 0, &type, &value, NULL, false, 0);

	if (result < 0)
		elog(ERROR, "could not execute \"%s\": %s", sql, SPI_result_code_string(result));
}

/* As TRUNCATE, but that logical replication would have others truncate theirs. */
static void
empty_quietly(Relation table)
{
	ReindexParams params = {0};
	Oid toast = table->rd_rel->reltoastrelid;

	CheckTableNotInUse(table, "TRUNCATE");
	bev_new_file(table);
	if (OidIsValid(toast))
	{
		Relation chunks = relation_open(toast, AccessExclusiveLock);

		bev_new_file(chunks);
		relation_close(chunks, NoLock);
	}
	(void) bev_reindex(RelationGetRelid(table), REINDEX_REL_PROCESS_TOAST, &params);
	pgstat_count_truncate(table);
}

/* The caller has locked it.  Triggers of others want a statement. */
static void
empty_table(BevTable kind)
{
	Relation table = table_open(bev_journal_table(kind), NoLock);
	bool quietly = bev_applied_only_ours(table);
	char *statement =
		psprintf("TRUNCATE bugevents.%s", quote_identifier(RelationGetRelationName(table)));

	if (quietly)
		empty_quietly(table);
	table_close(table, NoLock);
	if (!quietly)
		run(statement, 0);
}

/*
 * Space of parts that were deleted, or rolled back, counts as the journal's until
 * it is given back: history would be dropped in its place, for ever.
 */
static void
reclaim_parts(void)
{
	if (bev_spilled_any() ||
	    !ConditionalLockRelationOid(bev_journal_table(BEV_TABLE_PART), AccessExclusiveLock) ||
	    bev_spilled_any())
		return;
	SPI_connect();
	empty_table(BEV_TABLE_PART);
	SPI_finish();
}

/* The dispatcher reads for some milliseconds at a time; a session may read for hours. */
static bool
try_lock_segment(int segment)
{
	for (int i = 0; i < LOCK_TRIES; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (ConditionalLockRelationOid(bev_journal_table(BEV_TABLE_SEGMENT + segment),
		                               AccessExclusiveLock))
			return true;
		pg_usleep(LOCK_PAUSE);
	}
	return false;
}

/* What is written with a drop; somebody may be building an index. */
static bool
try_lock_for_drop(int segment)
{
	return try_lock_segment(segment) &&
	       ConditionalLockRelationOid(bev_journal_table(BEV_TABLE_PART), RowExclusiveLock) &&
	       ConditionalLockRelationOid(bev_journal_table(BEV_TABLE_PARTED), RowExclusiveLock) &&
	       ConditionalLockRelationOid(bev_journal_table(BEV_TABLE_STREAM), RowExclusiveLock);
}

/* The caller has locked it. */
static void
drop_segment(int segment, uint64 last_seq)
{
	SPI_connect();
	run("UPDATE bugevents.stream SET dropped = $1", last_seq);
	run("DELETE FROM bugevents.journal_part p USING bugevents.journal_parted t"
	    " WHERE t.xid = p.xid AND t.last_seq <= $1",
	    last_seq);
	run("DELETE FROM bugevents.journal_parted WHERE last_seq <= $1", last_seq);
	empty_table(BEV_TABLE_SEGMENT + segment);
	SPI_finish();
}

/* Consumers are waited for, but not for ever: one may be forgotten. */
static bool
is_awaited(uint64 last_seq, TimestampTz at)
{
	uint64 slowest;
	int count;

	return !is_older(at, bev_consumer_retention) &&
	       (!bev_consumers_look(&count, &slowest) || last_seq > slowest);
}

/* Is its time over?  True also if it is empty, and last_seq is 0. */
static bool
is_over(int segment, uint64 needed, uint64 *last_seq)
{
	TimestampTz at;

	*last_seq = bev_journal_last_seq(segment, &at);
	return *last_seq == 0 || is_too_large() ||
	       (is_older(at, bev_retention) && *last_seq <= needed && !is_awaited(*last_seq, at));
}

/* Empty the segment if its time is over.  True: it is empty now. */
static bool
empty_segment(int segment, uint64 needed)
{
	uint64 last_seq;

	if (!is_over(segment, needed, &last_seq))
		return false;
	if (last_seq == 0)
		return true;
	if (!try_lock_for_drop(segment))
		return false;
	drop_segment(segment, last_seq);
	if (is_too_large())
		reclaim_parts();
	ereport(DEBUG1, (errmsg("bugevents dropped its history up to seq " UINT64_FORMAT, last_seq)));
	return true;
}

bool
bev_retention_is_due(uint64 needed)
{
	int current = bev_queue_segment();
	uint64 last_seq;

	if (is_too_large())
		return true;
	if (!is_over((current + 1) % BEV_SEGMENTS, needed, &last_seq))
		return false;
	if (last_seq != 0 || is_full(current))
		return true;
	return is_over((current + 2) % BEV_SEGMENTS, needed, &last_seq) && last_seq != 0;
}

void
bev_retention_run(uint64 needed)
{
	int current = bev_queue_segment();
	int next = (current + 1) % BEV_SEGMENTS;
	bool next_is_empty;

	if (is_too_large())
		reclaim_parts();
	next_is_empty = empty_segment(next, needed);

	/* History has no holes: the newer one only when the older one is empty. */
	if (next_is_empty)
		empty_segment((current + 2) % BEV_SEGMENTS, needed);
	if (next_is_empty && is_full(current))
		bev_queue_switch(next);
}
