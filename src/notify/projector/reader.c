/*
 * reader.c - reading the journal in batches, and what fails.
 *
 * Model: a batch is one transaction: what follows from its events and the cursor behind them commit
 * together, so each event counts exactly once (test/t/402_projector.pl).  What follows is written
 * event by event (apply), or gathered and written once for all of the batch (finish).  Events from
 * which nothing follows need no writing: they are passed over again after a restart, until
 * WRITE_EVERY of them are behind the cursor, or some time has passed, as retention goes by what was
 * read.
 *
 * Failure: when a batch fails, its events up to the one that failed are tried as a batch, and
 * that one alone.  If it fails again it is set aside in bugevents.projector_errors, and
 * the stream goes on (test/t/425_poison.pl).  Where what was gathered can't be written, nobody
 * knows which event is to blame: batches are halved until one of a single event fails.  What takes
 * longer than bugevents.derive_timeout, or is listed in bugevents.projector_skips, is set aside,
 * too, and, as one, what is left of a transaction whose record is damaged.
 * What may succeed later (a lock, no memory, a full disk) is tried again until it does.
 *
 * Memory: a context for each event, and one for the batch.
 */
#include "notify/projector/reader.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "server/base/clock.h"
#include "server/base/settings.h"
#include "server/base/subtransaction.h"
#include "server/base/time_limit.h"
#include "server/base/transaction.h"
#include "server/base/worker.h"
#include "storage/latch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "pgstat.h"

#define WRITE_EVERY 100000 /* seqs */
#define RETRY_MIN   100    /* ms */
#define RETRY_MAX   10000

/* ---- a batch ---- */

typedef struct Batch
{
	BevReader *reader;
	MemoryContext event;    /* reset for each event */
	uint64 current;         /* seq of the event that is looked at */
	char type[NAMEDATALEN]; /* of that event; empty: it can't be read */
	char action[NAMEDATALEN];
	TimestampTz at; /* when it was committed */
	int left;       /* events that may still come */
	bool any;       /* something was written */
	uint64 skip;    /* the first seq in it that is to be passed over; 0: none */
	bool finishing; /* all events are read; none of them alone is to blame */
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
	if (batch->reader->is_last)
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
	if (batch->reader->apply(&change))
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
write_cursor(BevReader *reader, uint64 seq)
{
	bev_statement_with(&reader->save, bev_int_value(seq));
	reader->written = seq;
}

/* What was gathered is one thing, and has as long as an event has. */
static void
finish(Batch *batch)
{
	MemoryContext caller = MemoryContextSwitchTo(batch->event);

	batch->finishing = true;
	if (batch->any && batch->reader->finish)
	{
		bev_time_limit_begin(bev_derive_timeout);
		batch->reader->finish();
		bev_time_limit_end();
	}
	batch->finishing = false;
	MemoryContextSwitchTo(caller);
}

/* Do what follows from events up to upto, a batch of them.  True: something did. */
static bool
do_events(uint64 upto, Batch *batch)
{
	MemoryContext context = CurrentMemoryContext;
	BevReader *reader = batch->reader;
	uint64 written = reader->written;
	uint64 last;

	bev_transaction_begin();
	batch->event = AllocSetContextCreate(CurrentMemoryContext, "bugevents projector event",
	                                     ALLOCSET_DEFAULT_SIZES);
	batch->skip = find_skip(reader->cursor);
	if (reader->begin)
		reader->begin();
	last = bev_journal_read(reader->cursor, upto, &reader->place, take_run, batch);
	finish(batch);
	if (batch->any || last >= written + WRITE_EVERY)
		write_cursor(reader, last);
	bev_transaction_commit(context);
	reader->cursor = last;
	if (batch->at != 0)
		reader->reached = batch->at;
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
	write_cursor(batch->reader, upto);
	bev_transaction_commit(context);
	batch->reader->cursor = upto;
	ereport(WARNING,
	        (errcode(error->sqlerrcode),
	         errmsg("bugevents could not derive anything from event " UINT64_FORMAT ": %s",
	                batch->current, error->message),
	         upto > batch->current ?
	             errdetail("Events up to " UINT64_FORMAT " are passed over with it.", upto) :
	             0,
	         errhint("It is in bugevents.projector_errors; the stream goes on.")));
}

void
bev_reader_wait(long ms)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ms,
	                 PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	bev_worker_check();
}

/* Until then, or the end. */
static void
pause_for(long ms)
{
	TimestampTz end = bev_clock_ahead(ms);

	while (!ShutdownRequestPending && !bev_clock_has_come(end, ms))
		bev_reader_wait(Min(ms, TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end) + 1));
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
	uint64 written = batch->reader->written;
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
		if (batch->reader->failed)
			batch->reader->failed();
		memset(&batch->reader->place, 0, sizeof(batch->reader->place));
		batch->reader->written = written;
		outcome = FAILED;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	return outcome;
}

Oid
bev_reader_table(void)
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
	gone = !OidIsValid(bev_reader_table());
	bev_transaction_commit(context);
	return gone;
}

static void
retry_later(BevReader *reader, const ErrorData *error)
{
	if (ShutdownRequestPending)
		return; /* which is why it failed */
	ereport(LOG, (errmsg("bugevents projector tries again in %d ms: %s", reader->retry_wait,
	                     error->message)));
	pause_for(reader->retry_wait);
	reader->retry_wait = Min(reader->retry_wait * 2, RETRY_MAX);
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
isolate(BevReader *reader, uint64 seq)
{
	ErrorData *error;
	Batch before = {.reader = reader, .left = reader->batch};
	Batch alone = {.reader = reader, .left = 1};

	if (reader->cursor + 1 < seq && try_events(seq - 1, &before, &error) == FAILED)
		return; /* another one: the next batch tells */
	if (reader->cursor + 1 != seq)
		return; /* not all of it was in that batch */
	if (try_events(seq, &alone, &error) != FAILED)
		return;
	alone.current = seq;
	if (may_succeed_later(error) || is_gone())
		retry_later(reader, error);
	else if (error->sqlerrcode == ERRCODE_DATA_CORRUPTED)
		set_aside(&alone, end_of_transaction(seq), error);
	else
		set_aside(&alone, seq, error);
}

/* What was gathered of events up to upto can't be written: with half of them, or without it. */
static void
halve(BevReader *reader, uint64 upto)
{
	uint64 n = upto - reader->cursor;

	if (n > 1)
		reader->limit = (int) Min(n / 2, (uint64) reader->batch);
	else
		isolate(reader, upto);
}

/* ---- what it is for ---- */

void
bev_reader_begin(BevReader *reader, uint64 cursor)
{
	reader->cursor = reader->written = cursor;
	reader->limit = 0;
	reader->retry_wait = RETRY_MIN;
	memset(&reader->place, 0, sizeof(reader->place));
}

bool
bev_reader_run(BevReader *reader, uint64 upto)
{
	ErrorData *error;
	Batch batch = {.reader = reader, .left = reader->batch};
	Outcome outcome;

	if (reader->limit > 0)
		upto = Min(upto, reader->cursor + reader->limit);
	outcome = try_events(upto, &batch, &error);
	if (outcome != FAILED)
	{
		reader->retry_wait = RETRY_MIN;
		reader->limit = 0;
	}
	else if (batch.current == 0 && error->sqlerrcode == ERRCODE_DATA_CORRUPTED)
		isolate(reader, reader->cursor + 1);
	else if (batch.current == 0 || may_succeed_later(error))
		retry_later(reader, error);
	else if (batch.finishing)
		halve(reader, Min(upto, batch.current));
	else
		isolate(reader, batch.current);
	return outcome != NOTHING;
}

void
bev_reader_save(BevReader *reader)
{
	MemoryContext context = CurrentMemoryContext;

	if (reader->cursor <= reader->written)
		return;
	bev_transaction_begin();
	write_cursor(reader, reader->cursor);
	bev_transaction_commit(context);
}
