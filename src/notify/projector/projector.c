/*
 * projector.c - the background worker that derives things from the journal.
 *
 * Model: it reads the journal in the order of the stream with two readers (reader.c), each of which
 * commits its cursor together with what followed from the events before it, so each event counts
 * exactly once (test/t/402_projector.pl).
 *
 *	telling		who hears of it: notifications, reminders (projection.c), at once
 *	gathering	what is kept of it: history.c, deleted rows (archive.c), statistics.c,
 *				once a second at most, so that a second's events are few statements, and a row of
 *				statistics is published once.  It goes as far as the other one has come.
 *
 * Between batches it naps: under load that makes few large ones of many small ones, and leaves the
 * CPU to those who write.
 *
 * What it writes makes events, too; nobody is told of those.
 *
 * Concurrency: one projector, because order matters.  The dispatcher starts it and wakes it when
 * events are settled.  It holds no locks but those of its batch.
 *
 * Failure: what fails is tried again or set aside (reader.c).  A commit that a crash takes back is
 * done again, so it needn't be waited for.
 *
 * Where retention has dropped events that it never saw, it says so and goes on behind them.
 *
 * Cost: reading each event twice, from the journal; a few statements for each that concerns
 * somebody.  Nobody who writes waits for it.
 *
 * What an operator asks
 *	Is it behind?			bugevents_projector_lag_seq, and the alert projector_lag; of what is
 *							gathered: bugevents_gathering_lag_seq.
 *	What did it pass over?	bugevents.projector_errors, of bugevents.projector_error_rows events.
 *	Off?					bugevents.projector; what it misses until retention drops it, it does
 *							later (test/t/402_projector.pl).
 */
#include "postgres.h"

#include "notify/projector/projector.h"

#include "access/xact.h"
#include "server/base/worker_registry.h"
#include "server/shared/progress.h"
#include "server/base/clock.h"
#include "server/base/settings.h"
#include "server/base/transaction.h"
#include "server/base/worker.h"
#include "server/journal/journal_reader.h"
#include "server/journal/stream_row.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "notify/projector/archive.h"
#include "notify/projector/bug.h"
#include "notify/projector/fill.h"
#include "notify/projector/gathering.h"
#include "notify/projector/history.h"
#include "notify/projector/notification.h"
#include "notify/projector/projection.h"
#include "notify/projector/reader.h"
#include "notify/projector/reminder.h"
#include "server/base/statement.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#define BATCH_EVENTS     1000
#define GATHERED_EVENTS  50000
#define GATHER_INTERVAL  1000  /* ms */
#define LOOK_INTERVAL    60000 /* ms; the clock may have been set */
#define PACE             10    /* ms between batches, unless what is written falls behind */
#define LOCK_TIMEOUT_MAX 1000  /* ms */
#define EXPIRE_INTERVAL  (600 * INT64CONST(1000)) /* ms */

PGDLLEXPORT void bugevents_projector_main(Datum arg);

static BevReader telling = {
	.batch = BATCH_EVENTS,
	.save = {.sql = "UPDATE bugevents.projector SET cursor = $1, at = now()"},
	.begin = bev_bug_begin,
	.apply = bev_projection_apply,
	.finish = bev_bug_write,
	.failed = bev_reminder_changed,
};

static BevReader gathering = {
	.batch = GATHERED_EVENTS,
	.save = {.sql = "UPDATE bugevents.projector SET gathered = $1"},
	.begin = bev_gathering_begin,
	.apply = bev_gathering_apply,
	.finish = bev_gathering_finish,
	.is_last = true,
};

static Oid table = InvalidOid; /* bugevents.projector, when the cursors were read */
static TimestampTz gather_at;  /* not before then */

/* ---- where it stands ---- */

static void
read_cursors(void)
{
	static BevStatement statement = {.sql = "SELECT cursor, gathered FROM bugevents.projector"};
	uint64 cursors[2];
	bool isnull;

	if (bev_statement_run(&statement, 0, NULL) != 1)
		elog(ERROR, "bugevents.projector has no row");
	for (int i = 0; i < 2; i++)
		cursors[i] = DatumGetInt64(
			SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1, &isnull));
	bev_statement_done();
	bev_reader_begin(&telling, cursors[0]);
	bev_reader_begin(&gathering, cursors[1]);
	bev_reminder_changed();
}

/* What retention has dropped is behind both. */
static void
pass_dropped(uint64 dropped)
{
	if (telling.cursor != 0 && telling.cursor < dropped)
		ereport(WARNING, (errmsg("bugevents projector missed the events from " UINT64_FORMAT
		                         " to " UINT64_FORMAT,
		                         telling.cursor + 1, dropped),
		                  errdetail("Retention has dropped them, or bugevents was disabled.")));
	telling.cursor = Max(telling.cursor, dropped);
	if (gathering.cursor != 0 && gathering.cursor < dropped)
		bev_fill_want();
	gathering.cursor = Max(gathering.cursor, dropped);
}

/* For other processes. */
static void
tell_progress(void)
{
	bev_progress_set(telling.cursor, gathering.cursor);
}

/* And how far it may go.  False: the extension is gone. */
static bool
find_place(uint64 *horizon)
{
	MemoryContext context = CurrentMemoryContext;
	BevStreamRow stream;
	Oid found;

	bev_transaction_begin();
	found = bev_reader_table();
	if (OidIsValid(found) && bev_stream_row_read(&stream))
	{
		if (found != table)
			read_cursors();
		table = found;
		pass_dropped(stream.dropped);
		tell_progress();
		*horizon = bev_journal_horizon();
	}
	bev_transaction_commit(context);
	return OidIsValid(found);
}

/* ---- reminders, and what is old ---- */

/*
 * Those that were due at upto, when all that was committed until then has been looked at: a
 * bug that was closed before is not reminded of.
 */
static void
do_reminders(TimestampTz upto)
{
	MemoryContext context = CurrentMemoryContext;

	if (bev_reminder_next_is_known() && bev_reminder_next() > upto)
		return;
	bev_transaction_begin();
	if (bev_reminder_next() <= upto)
		(void) bev_reminder_fire(upto);
	(void) bev_reminder_next();
	bev_transaction_commit(context);
}

/* Of the table that they were read from. */
static void
save_cursors(void)
{
	MemoryContext context = CurrentMemoryContext;
	Oid found;

	bev_transaction_begin();
	found = bev_reader_table();
	bev_transaction_commit(context);
	if (found != table)
		return;
	bev_reader_save(&telling);
	bev_reader_save(&gathering);
}

static void
expire(void)
{
	MemoryContext context = CurrentMemoryContext;
	static TimestampTz due = 0;
	bool more;

	if (!bev_clock_every(&due, EXPIRE_INTERVAL))
		return;
	bev_transaction_begin();
	bev_notification_expire();
	more = bev_history_expire() | bev_archive_expire();
	bev_transaction_commit(context);
	save_cursors();
	if (more)
		due = 0;
}

/* ---- what is gathered ---- */

/* How long until more is to be gathered, -1: there is nothing. */
static long
gathering_due_in(void)
{
	if (gathering.cursor >= telling.cursor)
		return -1;
	return bev_clock_has_come(gather_at, GATHER_INTERVAL) ?
	           0 :
	           TimestampDifferenceMilliseconds(GetCurrentTimestamp(), gather_at) + 1;
}

static void
gather(void)
{
	if (gathering_due_in() != 0)
		return;
	gather_at = bev_clock_ahead(GATHER_INTERVAL);
	(void) bev_reader_run(&gathering, telling.cursor);
	if (gathering.limit > 0)
		gather_at = 0; /* it failed: nothing was published */
	tell_progress();
}

/* ---- the loop ---- */

/* So shortly that nothing needs to end it: events, which come all the time, don't wake it. */
static void
nap(long ms)
{
	(void) WaitLatch(NULL, WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ms, PG_WAIT_EXTENSION);
	bev_worker_check();
}

/* Until something happens, or the next reminder is due. */
static void
sleep_until_due(void)
{
	long ms = LOOK_INTERVAL;

	if (bev_reminder_next_is_known())
		ms = Min(ms,
		         TimestampDifferenceMilliseconds(GetCurrentTimestamp(), bev_reminder_next()) + 1);
	if (gathering_due_in() >= 0)
		ms = Min(ms, gathering_due_in());
	pgstat_report_activity(STATE_IDLE, NULL);
	(void) pgstat_report_stat(true);
	bev_reader_wait(ms);
}

/* Shorter than the limit for an event: what waits for a lock isn't to blame. */
static void
limit_locks(void)
{
	SetConfigOption("lock_timeout", psprintf("%d", Min(LOCK_TIMEOUT_MAX, bev_derive_timeout / 2)),
	                PGC_SUSET, PGC_S_OVERRIDE);
}

/* False: there is nothing to do here any more. */
static bool
run_turn(void)
{
	uint64 horizon = 0;

	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
		bev_reminder_changed();
		limit_locks();
	}
	if (!bev_projector || !bev_enabled || !find_place(&horizon))
		return false;

	pgstat_report_activity(STATE_RUNNING, "deriving from events");
	expire();
	if (horizon > telling.cursor)
	{
		bool wrote = bev_reader_run(&telling, horizon);

		tell_progress();
		/* There may be something to read at each turn. */
		do_reminders(Min(telling.reached, GetCurrentTimestamp()));
		gather();
		(void) bev_fill_run(false);
		if (!wrote || telling.cursor >= horizon)
			nap(PACE);
		return true;
	}
	gather();
	do_reminders(GetCurrentTimestamp());
	if (bev_fill_run(true))
		nap(PACE);
	else
		sleep_until_due();
	return true;
}

/* Where it can't be saved, for a lock or the server's end, the next one looks at more again. */
static void
save_cursors_at_end(void)
{
	PG_TRY();
	{
		save_cursors();
	}
	PG_CATCH();
	{
		FlushErrorState();
		AbortCurrentTransaction();
	}
	PG_END_TRY();
}

void
bugevents_projector_main(Datum arg pg_attribute_unused())
{
	bev_worker_begin();
	if (!bev_worker_registry_begin(BEV_WORKER_PROJECTOR))
		proc_exit(0);
	bev_progress_begin();
	bev_worker_connect();
	SetConfigOption("synchronous_commit", "off", PGC_SUSET, PGC_S_OVERRIDE);
	limit_locks();
	bev_worker_run(run_turn);
	save_cursors_at_end();
	proc_exit(0);
}

static bool
is_wanted(void)
{
	return bev_projector;
}

void
bev_projector_register(void)
{
	static const BevKeptWorker worker = {"projector", "nobody is notified", is_wanted};

	bev_worker_registry_add(BEV_WORKER_PROJECTOR, &worker);
}
