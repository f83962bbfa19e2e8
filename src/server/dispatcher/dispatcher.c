/*
 * dispatcher.c - the background worker between the queue and the gateways.
 *
 * Model, one turn of its loop:
 *	1. drain the queue: each settled transaction is pushed to the feeds, in seq
 *	   order (queue.c says when a transaction is settled), and the projector is woken;
 *	2. feeds that are behind, and the gateways' requests for history, read the
 *	   journal, a chunk each;
 *	3. those whom somebody wants gone are disconnected; who wants in shows a token, which the
 *	   verifier checks, is looked up by a responder, and admitted; questions go to the
 *	   responders, and answers to the gateways;
 *	4. make sure that the WAL is flushed up to the last commit among them, as no
 *	   client may see what a crash could take back (test/t/201_durable.pl);
 *	5. write to the pipes;
 *	6. once a second, and when something happened: look after the stream (is there an
 *	   extension, which stream is it, what of its journal is old), the gateways and the workers;
 *	7. tell standbys how far it is (mark.c);
 *	8. sleep until the queue, a pipe or the clock wakes it, and read what gateways say.
 *
 * On a standby (standby.c) nothing comes by the queue: what was replayed is read from the journal.
 * When that is promoted, the same process goes on with its gateways.
 *
 * Concurrency: it is alone in writing the tail of the queue, the table of clients and the pipes,
 * and alone in this process.  Sessions that commit don't wait for it.  It waits for the disk (WAL,
 * journal), and for nothing else (test/t/112_locks.pl): it takes no lock on a table that it would
 * have to wait for, and what needs SQL, files, names or time is done by the responders.
 *
 * Sleeping: a commit sets our latch only when we said that we sleep.  To be woken by each commit,
 * and to wake the gateways, is more than all else that a commit costs beside its session; so while
 * there are more than a thousand commits a second we don't say it, and look again after
 * bugevents.poll_interval.
 *
 * Memory: a context for each turn.  What lives longer is bounded: a feed's pipe (feed.c), the
 * questions that wait (questions.c), a client's place in shared memory
 * (bugevents.max_connections).
 *
 * Failure: an error ends the process, and its gateways with it; the postmaster
 * starts it again, clients come back and resume (test/t/330_containment.pl).
 * The queue keeps the place.
 *
 * Cost: idle, a few system calls a second; under load, a turn each poll_interval, in
 * which each transaction is copied once for each gateway.  Nothing is done for each client but
 * when it comes, goes, asks, or was heard of.
 *
 * What an operator asks
 *	Does it run?		"bugevents dispatcher" in pg_stat_activity; bugevents.stats.
 *	Is it behind?		bugevents_queue_bytes; bugevents.connections says it of each client.
 *	Why did an event
 *	not arrive?			bugevents.explain_delivery(seq, user).
 *
 * Not here: WebSockets, tokens, clients.  Those are the gateway's.
 */
#include "postgres.h"

#include "server/dispatcher/dispatcher.h"

#include "access/xlog.h"
#include "server/base/worker_registry.h"
#include "server/admission/admission.h"
#include "server/dispatcher/alerts.h"
#include "server/dispatcher/condition.h"
#include "server/dispatcher/database.h"
#include "server/dispatcher/current_config.h"
#include "server/dispatcher/standby.h"
#include "server/dispatcher/gateways.h"
#include "server/dispatcher/look.h"
#include "server/dispatcher/lookup.h"
#include "server/dispatcher/mark.h"
#include "server/dispatcher/questions.h"
#include "server/dispatcher/security.h"
#include "server/dispatcher/served_stream.h"
#include "server/dispatcher/token_checks.h"
#include "server/dispatcher/turn.h"
#include "server/base/clock.h"
#include "server/base/settings.h"
#include "server/journal/journal.h"
#include "miscadmin.h"
#include "server/base/worker.h"
#include "postmaster/interrupt.h"
#include "server/shared/counters.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#define CHECK_INTERVAL  1000 /* ms */
#define REAP_INTERVAL   5    /* ms, while a gateway is about to end */
#define LOCKED_RETRY    10   /* ms */
#define ASKING_POLL     10   /* ms */
#define BUSY_INTERVAL   1000 /* us between commits, below which it polls */
#define RESTART_SECONDS 2

PGDLLEXPORT void bugevents_dispatcher_main(Datum arg);

static XLogRecPtr to_flush = InvalidXLogRecPtr;
static TimestampTz next_check = 0;
static TimestampTz journal_at = 0;   /* when the journal, which was locked, is tried again */
static double commit_interval = 1e6; /* us, a moving average */
static bool polls = false;           /* it sleeps without saying so */

/* ---- the stream ---- */

/* What comes before the new era's record is read from the journal behind it. */
static void
take_item(void *arg pg_attribute_unused(), const BevQueueItem *item)
{
	if (item->committed)
		to_flush = Max(to_flush, item->lsn);
	if (!bev_served_stream()->follows)
		bev_gateways_push(item);
}

/* Keep the moving average of the time between two commits. */
static void
measure_commits(int n)
{
	static TimestampTz last = 0;
	TimestampTz now;

	if (n == 0)
		return;
	now = GetCurrentTimestamp();
	commit_interval = (3 * commit_interval + Min(1e6, (double) (now - last) / n)) / 4;
	last = now;
}

/* What is settled, the projector may read. */
static void
wake_projector(void)
{
	static uint64 last = 0;

	if (bev_queue_settled() != last)
		bev_worker_registry_wake(BEV_WORKER_PROJECTOR);
	last = bev_queue_settled();
}

/* Somebody has locked what is needed for this: later.  What needs it not, goes on. */
static void
skip(TimestampTz *until)
{
	*until = bev_clock_ahead(LOCKED_RETRY);
	bev_counters_skip();
}

static void
read_journal(void)
{
	MemoryContext context = CurrentMemoryContext;
	uint64 settled = bev_served_stream_tip();
	XLogRecPtr needed;
	uint64 floor;

	if (!bev_gateways_want_journal(settled) || !bev_clock_has_come(journal_at, LOCKED_RETRY))
		return;

	/* The snapshot is taken after settled was read: it sees all of that. */
	if (!bev_look_begin())
		skip(&journal_at);
	else if (OidIsValid(bev_journal_table(BEV_TABLE_SEGMENT)))
	{
		bev_served_stream_look_what_is_dropped();
		floor = bev_journal_floor();
		if (floor > 0)
			skip(&journal_at);
		bev_gateways_read(settled, bev_served_stream()->dropped, floor);
		needed = bev_queue_commit_lsn();
		to_flush = Max(to_flush, needed);
	}
	else
		next_check = 0;
	bev_look_end(context);
}

static void
flush_wal(XLogRecPtr upto)
{
	if (upto != InvalidXLogRecPtr && upto > GetFlushRecPtr(NULL))
		XLogFlush(upto);
}

static void
flush(void)
{
	flush_wal(to_flush);
	to_flush = InvalidXLogRecPtr;
	bev_gateways_flush();
}

static void
stop_gateways_at_exit(int code pg_attribute_unused(), Datum arg pg_attribute_unused())
{
	/* After an error their pipes may hold events of this turn. */
	flush_wal(bev_queue_commit_lsn());
	bev_gateways_stop();
}

static void
configure_gateways(void)
{
	bev_gateways_configure();
	next_check = 0;
}

static void
reload(void)
{
	ConfigReloadPending = false;
	ProcessConfigFile(PGC_SIGHUP);
	bev_current_config_renew(configure_gateways);
	next_check = 0;
}

/* ---- the loop ---- */

/* In how many ms is somebody to be looked up, or a question to be asked?  -1: none. */
static long
asking_due_in(void)
{
	long lookup = bev_lookup_due_in();
	long question = bev_questions_due_in();

	return lookup < 0 || question < 0 ? Max(lookup, question) : Min(lookup, question);
}

/* For how many ms it may sleep if nobody wakes it. */
static long
quiet_for(void)
{
	long mark;

	if (*bev_served_stream()->id == '\0')
		return CHECK_INTERVAL;
	if (bev_served_stream()->follows)
		return bev_standby_poll();
	mark = bev_mark_due_in();
	return mark < 0 ? CHECK_INTERVAL : Min(mark, CHECK_INTERVAL);
}

static long
sleep_timeout(void)
{
	if (bev_gateways_want_journal(bev_served_stream_tip()))
		return bev_clock_has_come(journal_at, LOCKED_RETRY) ? 0 : LOCKED_RETRY;
	if (bev_gateways_any_ending())
		return REAP_INTERVAL;
	if (asking_due_in() >= 0)
		return Min(asking_due_in(), ASKING_POLL);
	polls = bev_poll_interval > 0 && commit_interval < BUSY_INTERVAL;
	if (polls)
		return bev_poll_interval;
	if (!bev_queue_doze())
		return 0;
	return Min(quiet_for(), TimestampDifferenceMilliseconds(GetCurrentTimestamp(), next_check));
}

static void
sleep_until_something_happens(void)
{
	long timeout;

	polls = false;
	timeout = sleep_timeout();
	if (!bev_gateways_wait(timeout, bev_served_stream_tip()) && polls)
		commit_interval *= 1.25; /* unless commits go on, doze again */
	ResetLatch(MyLatch);
}

static void
look_after_all(void)
{
	const BevServed *served = bev_served_stream();

	next_check = bev_clock_ahead(CHECK_INTERVAL);
	if (bev_served_stream_look_after())
		next_check = 0;
	next_check = Min(next_check, bev_gateways_look_after(served));
	if (*served->id && !served->follows)
		bev_worker_registry_look_after();
	bev_standby_note_lag();
	if (bev_condition_changed())
		bev_gateways_tell_condition();
	bev_security_flush();
}

/* A standby: what was replayed, and whether it is one still. */
static void
follow(void)
{
	if (!bev_served_stream()->follows)
		return;
	if (bev_served_stream_is_to_be_taken_over() ||
	    (bev_standby_is_due() && !bev_served_stream_follow()))
		next_check = 0;
}

/* A primary: what its standbys are to know. */
static void
tell_standbys(void)
{
	if (*bev_served_stream()->id && !bev_served_stream()->follows)
		bev_mark_run(bev_queue_settled());
}

static bool
run_turn(void)
{
	bev_turn_begin();
	bev_worker_check();
	if (ConfigReloadPending)
		reload();

	measure_commits(bev_queue_drain(take_item, NULL));
	wake_projector();
	follow();
	read_journal();
	bev_gateways_disconnect();

	if (bev_clock_has_come(next_check, CHECK_INTERVAL) || bev_gateways_any_ending())
		look_after_all();
	/* What was just asked doesn't wait for the next turn, which may be a second away. */
	bev_token_checks_run();
	bev_lookup_run(bev_gateways_admit);
	bev_questions_run(bev_served_stream_tip(), &bev_gateways_asking);
	flush();
	tell_standbys();
	bev_turn_end();
	sleep_until_something_happens();
	return true;
}

/* With assertions, an error instead of a wait shows itself in any test. */
static void
limit_lock_waits(void)
{
#ifdef USE_ASSERT_CHECKING
	SetConfigOption("lock_timeout", "50ms", PGC_SUSET, PGC_S_OVERRIDE);
#endif
}

void
bugevents_dispatcher_main(Datum arg pg_attribute_unused())
{
	bev_worker_begin();
	bev_database_connect();
	bev_queue_attach();
	bev_admission_begin();
	bev_alerts_begin();
	before_shmem_exit(stop_gateways_at_exit, 0);
	limit_lock_waits();
	/* What it writes waits for the disk, and for no standby (test/t/213_eras.pl). */
	SetConfigOption("synchronous_commit", "local", PGC_SUSET, PGC_S_OVERRIDE);
	bev_token_checks_begin(&bev_gateways_tokens, bev_gateways_tell_condition);
	bev_current_config_renew(configure_gateways);
	bev_worker_run(run_turn);

	/* Not 0: that would mean never again. */
	proc_exit(1);
}

void
bev_dispatcher_register(void)
{
	BackgroundWorker worker = bev_worker_describe("dispatcher");

	worker.bgw_start_time = BgWorkerStart_ConsistentState;
	worker.bgw_restart_time = RESTART_SECONDS;
	RegisterBackgroundWorker(&worker);
}
