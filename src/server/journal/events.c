/*
 * events.c - bugevents.events(): the journal, one row per event; and last_seq(), where it ends.
 *
 * Model: what events() returns is exactly what a client that resumes at "since" would
 * get.  Rows of transactions that are visible while one with a lower seq is
 * still committing are therefore not returned yet; whoever polls with the last
 * seq seen misses nothing.
 */
#include "postgres.h"

#include "fmgr.h"
#include "server/base/compat.h"
#include "server/base/settings.h"
#include "server/journal/event_rows.h"
#include "server/journal/journal.h"
#include "server/journal/journal_reader.h"
#include "server/journal/stream_row.h"
#include "server/queue/queue.h"
#include "utils/snapmgr.h"

BEV_FUNCTION_INFO_V1(bugevents_events);
BEV_FUNCTION_INFO_V1(bugevents_last_seq);

/*
 * Was something behind since dropped, before we read or while we did?  From 0 on
 * means from the oldest that there is.
 */
static void
check_history(uint64 since)
{
	BevStreamRow row;

	PushActiveSnapshot(GetLatestSnapshot());
	if (since != 0 && bev_stream_row_read(&row) && since < row.dropped)
		ereport(ERROR,
		        (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		         errmsg("events after seq " UINT64_FORMAT " are not complete any more", since),
		         errdetail("Retention has dropped those up to seq " UINT64_FORMAT ".", row.dropped),
		         errhint("Read from " UINT64_FORMAT " on, after reading the tables anew.",
		                 row.dropped)));
	PopActiveSnapshot();
}

Datum
bugevents_events(PG_FUNCTION_ARGS)
{
	int64 since = PG_GETARG_INT64(0);
	int32 max = PG_GETARG_INT32(1);
	BevEventRows rows;

	bev_settings_require_preload();
	if (since < 0)
		ereport(ERROR,
		        (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("since must not be negative")));
	bev_event_rows_begin(&rows, fcinfo, max);
	if (max == 0 || !OidIsValid(bev_journal_table(BEV_TABLE_SEGMENT)))
		return (Datum) 0;

	bev_journal_read_settled(since, PG_INT64_MAX, bev_event_rows_put, &rows);
	check_history(since);
	bev_event_rows_end(&rows);
	return (Datum) 0;
}

/*
 * Every seq that was given out is at or below it.  Where nothing was since the start, or nothing is
 * served, the journal says what was.
 */
static uint64
last_seq(void)
{
	uint64 next = bev_settings_database_is_served() ? bev_queue_next_seq() : 0;
	uint64 last = 0;

	if (next > 0)
		return next - 1;
	if (OidIsValid(bev_journal_table(BEV_TABLE_SEGMENT)))
		(void) bev_journal_newest(&last);
	return last;
}

Datum
bugevents_last_seq(PG_FUNCTION_ARGS)
{
	bev_settings_require_preload();
	PG_RETURN_INT64(last_seq());
}
