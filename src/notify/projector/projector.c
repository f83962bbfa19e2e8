/*
 * projector.c - the background worker that derives things from the journal.
 *
 * Model: it reads the journal in the order of the stream, behind its cursor, in batches. A batch is
 * one transaction: what follows from its events (projection.c) and the cursor behind them commit
 * together, so each event counts exactly once (test/t/402_projector.pl).  Events from which nothing
 * follows need no writing: they are passed over again after a restart, until WRITE_EVERY of them
 * are behind the cursor, or some time has passed, as retention goes by what was read.  Between
 * batches it naps: under load that makes few large ones of many small ones, and leaves the CPU to
 * those who write.
 *
 * What it writes makes events, too; nothing follows from those.
 *
 * Concurrency: one projector, because order matters.  The dispatcher starts it and wakes it when
 * events are settled.  It holds no locks but those of its batch.
 *
 * Failure: when a batch fails, its events up to the one that failed are tried as a batch, and
 * that one alone.  If it fails again it is set aside in bugevents.projector_errors, and
 * the stream goes on (test/t/425_poison.pl).  So is what takes longer than
 * bugevents.derive_timeout, what is listed in bugevents.projector_skips, and, as one, what is left
 * of a transaction whose record is damaged.
 * What may succeed later (a lock, no memory, a full disk) is tried again until it does.  A commit
 * that a crash takes back is done again, so it needn't be waited for.
 *
 * Where retention has dropped events that it never saw, it says so and goes on behind them.
 *
 * Memory: a context for each event, and one for the batch, of BATCH_EVENTS events or a part of a
 * large transaction.
 *
 * Cost: reading each event once, from the journal; a few statements for each that concerns
 * somebody.  Nobody who writes waits for it.
 *
 * What an operator asks
 *	Is it behind?			bugevents_projector_lag_seq, and the alert projector_lag.
 *	What did it pass over?	bugevents.projector_errors, of bugevents.projector_error_rows events.
 *	Off?					bugevents.projector; what it misses until retention drops it, it does
 *							later (test/t/402_projector.pl).
 */
#include "postgres.h"

#include "notify/projector/projector.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "server/base/worker_registry.h"
#include "server/shared/progress.h"
#include "server/base/subtransaction.h"
#include "server/base/clock.h"
#include "server/base/settings.h"
#include "server/base/time_limit.h"
#include "server/base/transaction.h"
#include "server/base/worker.h"
#include "server/journal/journal.h"
#include "server/journal/journal_reader.h"
#include "server/journal/stream_row.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "notify/projector/change.h"
#include "notify/projector/notification.h"
#include "notify/projector/projection.h"
#include "notify/projector/reminder.h"
#include "server/base/statement.h"
#include "server/queue/queue.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#define BATCH_EVENTS     1000
#define WRITE_EVERY      100000 /* seqs */
#define LOOK_INTERVAL    60000  /* ms; the clock may have been set */
#define PACE             10     /* ms between batches, unless what is written falls behind */
#define RETRY_MIN        100    /* ms */
#define RETRY_MAX        10000
#define LOCK_TIMEOUT_MAX 1000                     /* ms */
#define EXPIRE_INTERVAL  (600 * INT64CONST(1000)) /* ms */

PGDLLEXPORT void bugevents_projector_main(Datum arg);

static Oid table = InvalidOid; /* bugevents.projector, when the cursor was read */
static uint64 cursor;          /* all up to here is done */
static uint64 written;         /* what the table says */
static BevJournalPlace place;
static TimestampTz reached; /* when the last event that was read was committed */
static int retry_wait = RETRY_MIN;

/* ---- a batch ---- */

typedef struct Batch
{
	MemoryContext event;    /* reset for each event */
	uint64 current;         /* seq of the event that is looked at */
	char type[NAMEDATALEN]; /* of that event; empty: it can't be read */
	char action[NAMEDATALEN];
	TimestampTz at; /* when it was committed */
	int left;       /* events that may still come */
	bool any;       /* something was written */
	uint64 skip;    /* the first seq in it that is to be passed over; 0: none */
} Batch;

/* To be told of it if it fails, without reading it again. */
static void
remember(Batch *batch, uint64 seq, const BevEvent *event)
{
	const BevSpan *type = &event->field[BEV_EVENT_TYPE];
	const BevSpan *action = &event->field[BEV_EVENT_ACTION];

	batch->current = seq;
	strlcpy(batch->type, type->data, Min(sizeof(batch->type), type->len + 1));
	strlcpy(batch->action, action->data, Min(sizeof(batch->action), action->len + 1));
}

static void
keep_error(const Batch *batch, const char *sqlstate, const char *message)
{
	static BevStatement statement = {
		.sql = "INSERT INTO bugevents.projector_errors (seq, type, action, sqlstate, message)"
			   " VALUES ($1, nullif($2, ''), nullif($3, ''), $4, $5) ON CONFLICT (seq) DO NOTHING"};
	static BevStatement bound = {
		.sql = "DELETE FROM bugevents.projector_errors WHERE seq <="
			   " (SELECT seq FROM bugevents.projector_errors ORDER BY seq DESC OFFSET $1 LIMIT 1)"};

	bev_statement_with(&statement, bev_int_value(batch->current), bev_text_value(batch->type),
	                   bev_text_value(batch->action), bev_text_value(sqlstate),
	                   bev_text_value(message));
	bev_statement_with(&bound, bev_int_value(bev_projector_error_rows));
}

/* The first one behind the cursor. */
static uint64
find_skip(uint64 after)
{
	static BevStatement statement = {
		.sql = "SELECT coalesce(min(seq), 0) FROM bugevents.projector_skips WHERE seq > $1"};
	bool isnull;
	uint64 seq;

	bev_statement_with(&statement, bev_int_value(after));
	seq = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	bev_statement_done();
	return seq;
}

static void
pass_over(Batch *batch)
{
	static BevStatement statement = {.sql =
	                                     "DELETE FROM bugevents.projector_skips WHERE seq <= $1"};

	keep_error(batch, unpack_sql_state(ERRCODE_QUERY_CANCELED), "skipped by hand");
	bev_statement_with(&statement, bev_int_value(batch->current));
	batch->any = true;
	batch->skip = find_skip(batch->current);
}

static void
apply(Batch *batch, uint64 seq, TimestampTz at, const BevEvent *event)
{
	MemoryContext caller = MemoryContextSwitchTo(batch->event);
	BevChange change;

	remember(batch, seq, event);
	bev_time_limit_begin(bev_derive_timeout);
	bev_change_read(&change, seq, at, event);
	if (bev_projection_apply(&change))
		batch->any = true;
	bev_time_limit_end();
	MemoryContextSwitchTo(caller);
	MemoryContextReset(batch->event);
}

static bool
take_run(void *arg, const BevJournalRun *run)
{
	Batch *batch = arg;
	const char *record = run->records;
	Size size = run->size;

	for (uint32 i = 0; i < run->count; i++)
	{
		BevEvent event;

		batch->current = run->first_seq + i;
		*batch->type = *batch->action = '\0';
		if (!bev_event_read(record, size, &event))
			ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
			                errmsg("bugevents' journal is damaged at seq " UINT64_FORMAT,
			                       batch->current)));
		if (batch->current == batch->skip)
		{
			remember(batch, batch->current, &event);
			pass_over(batch);
		}
		else
			apply(batch, run->first_seq + i, run->at, &event);
		record += event.size;
		size -= event.size;
	}
	batch->left -= run->count;
	batch->at = run->at;
	return batch->left > 0;
}

static void
write_cursor(uint64 seq)
{
	static BevStatement statement = {.sql =
	                                     "UPDATE bugevents.projector SET cursor = $1, at = now()"};

	bev_statement_with(&statement, bev_int_value(seq));
}

/* Do what follows from events up to upto, a batch of them.  True: something did. */
static bool
do_events(uint64 upto, Batch *batch)
{
	MemoryContext context = CurrentMemoryContext;
	uint64 last;

	bev_transaction_begin();
	batch->event = AllocSetContextCreate(CurrentMemoryContext, "bugevents projector event",
	                                     ALLOCSET_DEFAULT_SIZES);
	batch->skip = find_skip(cursor);
	last = bev_journal_read(cursor, upto, &place, take_run, batch);
	if (batch->any || last >= written + WRITE_EVERY)
	{
		write_cursor(last);
		written = last;
	}
	bev_transaction_commit(context);
	cursor = last;
	if (batch->at != 0)
		reached = batch->at;
	bev_progress_set(cursor);
	return batch->any;
}

/* ---- what fails ---- */

/* Events from batch->current to upto; the cursor is behind them then. */
static void
set_aside(const Batch *batch, uint64 upto, const ErrorData *error)
{
	MemoryContext context = CurrentMemoryContext;

	bev_transaction_begin();
	keep_error(batch, unpack_sql_state(error->sqlerrcode), error->message);
	write_cursor(upto);
	bev_transaction_commit(context);
	cursor = written = upto;
	bev_progress_set(cursor);
	ereport(WARNING,
	        (errcode(error->sqlerrcode),
	         errmsg("bugevents could not derive anything from event " UINT64_FORMAT ": %s",
	                batch->current, error->message),
	         upto > batch->current ?
	             errdetail("Events up to " UINT64_FORMAT " are passed over with it.", upto) :
	             0,
	         errhint("It is in bugevents.projector_errors; the stream goes on.")));
}

static void
wait_for(long ms)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ms,
	                 PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	bev_worker_check();
}

/* So shortly that nothing needs to end it: events, which come all the time, don't wake it. */
static void
nap(long ms)
{
	(void) WaitLatch(NULL, WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ms, PG_WAIT_EXTENSION);
	bev_worker_check();
}

/* Until then, or the end. */
static void
pause_for(long ms)
{
	TimestampTz end = bev_clock_ahead(ms);

	while (!ShutdownRequestPending && !bev_clock_has_come(end, ms))
		wait_for(Min(ms, TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end) + 1));
}

typedef enum Outcome
{
	WROTE,
	NOTHING,
	FAILED
} Outcome;

/* Like do_events; what fails is in batch->current, and error says why. */
static Outcome
try_events(uint64 upto, Batch *batch, ErrorData **error)
{
	MemoryContext caller = CurrentMemoryContext;
	Outcome outcome;

	PG_TRY();
	{
		outcome = do_events(upto, batch) ? WROTE : NOTHING;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		bev_time_limit_end();
		*error = CopyErrorData();
		FlushErrorState();
		AbortCurrentTransaction();
		if (bev_time_limit_exceeded())
			(*error)->message = "it took longer than bugevents.derive_timeout";
		bev_reminder_changed();
		memset(&place, 0, sizeof(place));
		outcome = FAILED;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	return outcome;
}

/* InvalidOid: the extension is gone. */
static Oid
find_table(void)
{
	Oid schema = get_namespace_oid("bugevents", true);

	return OidIsValid(schema) ? get_relname_relid("projector", schema) : InvalidOid;
}

static bool
is_gone(void)
{
	MemoryContext context = CurrentMemoryContext;
	bool gone;

	bev_transaction_begin();
	gone = !OidIsValid(find_table());
	bev_transaction_commit(context);
	return gone;
}

static void
retry_later(const ErrorData *error)
{
	if (ShutdownRequestPending)
		return; /* which is why it failed */
	ereport(LOG,
	        (errmsg("bugevents projector tries again in %d ms: %s", retry_wait, error->message)));
	pause_for(retry_wait);
	retry_wait = Min(retry_wait * 2, RETRY_MAX);
}

/* A lock, memory, the disk; or the extension is gone. */
static bool
may_succeed_later(const ErrorData *error)
{
	return bev_subtransaction_may_succeed_later(error->sqlerrcode) && !bev_time_limit_exceeded();
}

/* The end of the transaction that the event is of. */
static uint64
end_of_transaction(uint64 seq)
{
	MemoryContext context = CurrentMemoryContext;
	uint64 end;

	bev_transaction_begin();
	end = bev_journal_end_of(seq);
	bev_transaction_commit(context);
	return Max(end, seq);
}

/* The batch that failed at seq, again: what is before it, then that one. */
static void
isolate(uint64 seq)
{
	ErrorData *error;
	Batch before = {.left = BATCH_EVENTS};
	Batch alone = {.left = 1};

	if (cursor + 1 < seq && try_events(seq - 1, &before, &error) == FAILED)
		return; /* another one: the next batch tells */
	if (cursor + 1 > seq || cursor + 1 < seq)
		return; /* not all of it was in that batch */
	if (try_events(seq, &alone, &error) != FAILED)
		return;
	alone.current = seq;
	if (may_succeed_later(error) || is_gone())
		retry_later(error);
	else if (error->sqlerrcode == ERRCODE_DATA_CORRUPTED)
		set_aside(&alone, end_of_transaction(seq), error);
	else
		set_aside(&alone, seq, error);
}

/* True: something was written. */
static bool
run_batch(uint64 upto)
{
	ErrorData *error;
	Batch batch = {.left = BATCH_EVENTS};
	Outcome outcome = try_events(upto, &batch, &error);

	if (outcome != FAILED)
		retry_wait = RETRY_MIN;
	else if (batch.current == 0 && error->sqlerrcode == ERRCODE_DATA_CORRUPTED)
		isolate(cursor + 1);
	else if (batch.current == 0 || may_succeed_later(error))
		retry_later(error);
	else
		isolate(batch.current);
	return outcome != NOTHING;
}

/* ---- where it stands ---- */

/* And how far it may go.  False: the extension is gone. */
static bool
read_cursor(uint64 *horizon)
{
	MemoryContext context = CurrentMemoryContext;
	static BevStatement statement = {.sql = "SELECT cursor FROM bugevents.projector"};
	BevStreamRow stream;
	Oid found;
	bool isnull;

	bev_transaction_begin();
	found = find_table();
	if (OidIsValid(found) && bev_stream_row_read(&stream))
	{
		if (found != table)
		{
			if (bev_statement_run(&statement, 0, NULL) != 1)
				elog(ERROR, "bugevents.projector has no row");
			cursor = written = DatumGetInt64(
				SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
			bev_statement_done();
			memset(&place, 0, sizeof(place));
			bev_reminder_changed();
		}
		table = found;
		if (cursor != 0 && cursor < stream.dropped)
			ereport(WARNING, (errmsg("bugevents projector missed the events from " UINT64_FORMAT
			                         " to " UINT64_FORMAT,
			                         cursor + 1, stream.dropped),
			                  errdetail("Retention has dropped them, or bugevents was disabled.")));
		cursor = Max(cursor, stream.dropped);
		bev_progress_set(cursor);
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

/* Of the table that it was read from. */
static void
save_cursor(void)
{
	MemoryContext context = CurrentMemoryContext;

	if (cursor <= written)
		return;
	bev_transaction_begin();
	if (find_table() == table)
	{
		write_cursor(cursor);
		written = cursor;
	}
	bev_transaction_commit(context);
}

static void
expire(void)
{
	MemoryContext context = CurrentMemoryContext;
	static TimestampTz due = 0;

	if (!bev_clock_every(&due, EXPIRE_INTERVAL))
		return;
	bev_transaction_begin();
	bev_notification_expire();
	bev_transaction_commit(context);
	save_cursor();
}

/* ---- the loop ---- */

/* Until something happens, or the next reminder is due. */
static void
sleep_until_due(void)
{
	long ms = LOOK_INTERVAL;

	if (bev_reminder_next_is_known())
		ms = Min(ms,
		         TimestampDifferenceMilliseconds(GetCurrentTimestamp(), bev_reminder_next()) + 1);
	pgstat_report_activity(STATE_IDLE, NULL);
	(void) pgstat_report_stat(true);
	wait_for(ms);
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
	if (!bev_projector || !bev_enabled || !read_cursor(&horizon))
		return false;

	pgstat_report_activity(STATE_RUNNING, "deriving from events");
	expire();
	if (horizon > cursor)
	{
		bool wrote = run_batch(horizon);

		/* There may be something to read at each turn. */
		do_reminders(Min(reached, GetCurrentTimestamp()));
		if (!wrote || cursor >= horizon)
			nap(PACE);
		return true;
	}
	do_reminders(GetCurrentTimestamp());
	sleep_until_due();
	return true;
}

/* Where it can't be saved, for a lock or the server's end, the next one looks at more again. */
static void
save_cursor_at_end(void)
{
	PG_TRY();
	{
		save_cursor();
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
	save_cursor_at_end();
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
