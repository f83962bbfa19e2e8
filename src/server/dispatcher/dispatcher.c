/*
 * dispatcher.c - the background worker between the queue and the gateways.
 *
 * Model, one turn of its loop:
 *	1. drain the queue: each settled transaction is pushed to the feeds, in seq
 *	   order (queue.c says when a transaction is settled), and the projector is woken;
 *	2. feeds that are behind, and the gateways' requests for history, read the
 *	   journal, a chunk each;
 *	3. those whom somebody wants gone are disconnected; who wants in is looked up by a
 *	   responder, and admitted; questions go to the responders, and answers to the gateways;
 *	4. make sure that the WAL is flushed up to the last commit among them, as no
 *	   client may see what a crash could take back (test/t/201_durable.pl);
 *	5. write to the pipes;
 *	6. once a second, and when something happened: look after the stream (is there an
 *	   extension, which stream is it, what of its journal is old), the gateways and the workers;
 *	7. sleep until the queue, a pipe or the clock wakes it, and read what gateways say.
 *
 * Concurrency: it is alone in writing the tail of the queue, the table of clients and the pipes,
 * and alone in this process.  Sessions that commit don't wait for it.  It waits for the disk (WAL,
 * journal), and for nothing else (test/t/112_locks.pl): it takes no lock on a table that it would
 * have to wait for, and what needs SQL, files, names or time is done by the responders.
 *
 * Sleeping: a commit sets our latch only when we said that we sleep.  A latch per
 * commit was the largest cost of all when measured, so while commits come fast
 * we don't say it, and look again after a millisecond.
 *
 * Memory: a context for each turn.  What lives longer is bounded: a feed's pipe (feed.c), the
 * questions that wait (questions.c), a client's place in shared memory
 * (bugevents.max_connections).
 *
 * Failure: an error ends the process, and its gateways with it; the postmaster
 * starts it again, clients come back and resume (test/t/330_containment.pl).
 * The queue keeps the place.
 *
 * Cost: idle, a few system calls a second; under load, a turn each millisecond at the least, in
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

#include "access/xact.h"
#include "access/xlog.h"
#include "server/base/worker_registry.h"
#include "server/shared/progress.h"
#include "server/admission/admission.h"
#include "server/dispatcher/alerts.h"
#include "server/dispatcher/condition.h"
#include "server/dispatcher/database.h"
#include "server/dispatcher/feed.h"
#include "server/dispatcher/current_config.h"
#include "server/dispatcher/gauges.h"
#include "server/dispatcher/lookup.h"
#include "server/dispatcher/questions.h"
#include "server/dispatcher/security.h"
#include "server/dispatcher/turn.h"
#include "server/responder/responder_queue.h"
#include "server/base/clock.h"
#include "server/base/compat.h"
#include "server/base/settings.h"
#include "server/journal/journal.h"
#include "server/journal/retention.h"
#include "server/journal/sequence.h"
#include "server/journal/stream_row.h"
#include "server/journal/unserved.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "server/base/worker.h"
#include "postmaster/interrupt.h"
#include "server/queue/enabled.h"
#include "server/shared/counters.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#define FEEDS_MAX       64   /* the limit of bugevents.gateways */
#define CHECK_INTERVAL  1000 /* ms */
#define REAP_INTERVAL   5    /* ms, while a gateway is about to end */
#define LOCKED_RETRY    10   /* ms */
#define BUSY_POLL       1    /* ms */
#define BUSY_INTERVAL   200  /* us between commits, below which it polls */
#define RESTART_SECONDS 2
#define PROJECTOR_PATIENCE \
	60000 /* ms; a server that starts, or a projector that is started again */

PGDLLEXPORT void bugevents_dispatcher_main(Datum arg);

static BevFeed feeds[FEEDS_MAX];
static int feed_count = 0;

static char stream_id[UUID_LEN * 2 + 5] = ""; /* empty: there is no stream */
static uint64 dropped = 0;                    /* history up to this seq is gone */
static XLogRecPtr to_flush = InvalidXLogRecPtr;
static TimestampTz next_check = 0;
static TimestampTz journal_at = 0;   /* when the journal, which was locked, is tried again */
static double commit_interval = 1e6; /* us, a moving average */

static WaitEventSet *wait_set = NULL;
static pgsocket waited_for[FEEDS_MAX]; /* the feeds' pipes that are in it */

/* ---- the stream ---- */

static void
take_item(void *arg pg_attribute_unused(), const BevQueueItem *item)
{
	if (item->committed)
		to_flush = Max(to_flush, item->lsn);
	for (int i = 0; i < feed_count; i++)
		bev_feed_push(&feeds[i], item);
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

static bool
any_feed_wants_journal(void)
{
	for (int i = 0; i < feed_count; i++)
		if (bev_feed_wants_journal(&feeds[i], bev_queue_settled()))
			return true;
	return false;
}

/*
 * A transaction with the journal locked, whose snapshot was taken then: what is there cannot be
 * dropped until its end.  False: somebody else has it locked, and there is no snapshot.
 */
static bool
begin_transaction(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	if (!bev_journal_try_lock())
		return false;
	PushActiveSnapshot(GetTransactionSnapshot());
	return true;
}

static void
end_transaction(MemoryContext context)
{
	if (ActiveSnapshotSet())
		PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	pgstat_report_stat(false);
}

/* Somebody has locked what is needed for this: later.  What needs it not, goes on. */
static void
skip(TimestampTz *until)
{
	*until = bev_clock_ahead(LOCKED_RETRY);
	bev_counters_skip();
}

/* One chunk for each feed that wants one, as long as the turn isn't long; another one begins. */
static void
read_for_feeds(uint64 settled)
{
	static int first = 0;

	for (int n = 0; n < feed_count && !bev_turn_is_long(); n++)
	{
		BevFeed *feed = &feeds[first++ % feed_count];

		if (bev_feed_wants_journal(feed, settled))
			bev_feed_read(feed, settled, dropped);
	}
	first %= feed_count;
}

/* History may have been dropped a moment ago. */
static void
look_what_is_dropped(void)
{
	BevStreamRow row;

	if (bev_stream_row_read(&row))
		dropped = Max(dropped, row.dropped);
}

static void
read_journal(void)
{
	MemoryContext context = CurrentMemoryContext;
	uint64 settled = bev_queue_settled();
	XLogRecPtr needed;

	if (!any_feed_wants_journal() || !bev_clock_has_come(journal_at, LOCKED_RETRY))
		return;

	/* The snapshot is taken after settled was read: it sees all of that. */
	if (!begin_transaction())
		skip(&journal_at);
	else if (OidIsValid(bev_journal_table(BEV_TABLE_SEGMENT)))
	{
		look_what_is_dropped();
		read_for_feeds(settled);
		needed = bev_queue_commit_lsn();
		to_flush = Max(to_flush, needed);
	}
	else
		next_check = 0;
	end_transaction(context);
}

static void
admit_client(int gateway, const BevOpenMessage *open, const BevLookupFound *found)
{
	bev_feed_admit(&feeds[gateway - 1], open, found);
}

static void
flush_wal(XLogRecPtr upto)
{
	if (upto > GetFlushRecPtr(NULL))
		XLogFlush(upto);
}

static void
flush_feeds(void)
{
	flush_wal(to_flush);
	to_flush = InvalidXLogRecPtr;
	for (int i = 0; i < feed_count; i++)
		bev_feed_flush(&feeds[i]);
}

/* ---- the gateways ---- */

static void
forget_waits(void)
{
	if (wait_set)
		FreeWaitEventSet(wait_set);
	wait_set = NULL;
}

static void
stop_feeds(int first)
{
	for (int i = first; i < feed_count; i++)
		bev_feed_stop(&feeds[i]);
	feed_count = Min(feed_count, first);
	forget_waits();
}

static void
stop_feeds_at_exit(int code pg_attribute_unused(), Datum arg pg_attribute_unused())
{
	/* After an error their pipes may hold events of this turn. */
	flush_wal(bev_queue_commit_lsn());
	stop_feeds(0);
}

/*
 * All of them go, and others come in their place: whatever these and their clients know is void.
 */
static void
replace_gateways(void)
{
	for (int i = 0; i < feed_count; i++)
		bev_feed_retire(&feeds[i]);
}

/* What /ready has to say beside the stream. */
static void
tell_condition(void)
{
	if (!bev_condition_changed())
		return;
	for (int i = 0; i < feed_count; i++)
		bev_feed_tell_condition(&feeds[i], bev_condition_line());
}

static void
start_feed(int i)
{
	bev_feed_start(&feeds[i], i + 1, bev_current_config());
	bev_feed_tell_condition(&feeds[i], bev_condition_line());
	if (*stream_id)
		bev_feed_begin(&feeds[i], stream_id, bev_queue_settled(), dropped);
	forget_waits();
}

/* As many as the settings say, and those that ended again when it is time. */
static void
look_after_gateways(void)
{
	int wanted = bev_enabled ? bev_gateways : 0;

	/* Their clients take their time to go; the others' needn't wait for that. */
	for (int i = 0; i < feed_count; i++)
		if (i >= wanted || feeds[i].retired)
			bev_feed_retire(&feeds[i]);
	while (feed_count < wanted)
	{
		memset(&feeds[feed_count], 0, sizeof(BevFeed));
		feeds[feed_count].channel.fd = -1;
		feed_count++;
	}
	for (int i = 0; i < feed_count; i++)
	{
		bev_feed_reap(&feeds[i]);
		if (i < wanted && bev_current_config() && bev_child_is_due(&feeds[i].process))
			start_feed(i);
		if (i < wanted && feeds[i].process.pid == 0)
			next_check = Min(next_check, feeds[i].process.not_before);
		bev_feed_announce(&feeds[i], dropped);
	}
	while (feed_count > wanted && feeds[feed_count - 1].process.pid == 0)
		feed_count--;
}

/* bugevents.disconnect(). */
static void
disconnect_clients(void)
{
	BevDisconnectMessage disconnect = {0};
	int gateway;

	while (bev_admission_next_disconnect(&gateway, &disconnect))
		bev_feed_disconnect(&feeds[gateway - 1], &disconnect);
}

/* One without a stream has nothing to wait for. */
static uint64
sent_to(int gateway)
{
	const BevFeed *feed = &feeds[gateway - 1];

	if (!bev_feed_listens(feed))
		return 0;
	return feed->streaming ? feed->sent : PG_UINT64_MAX;
}

static void
send_answer(int gateway, char *body, Size size)
{
	bev_feed_answer(&feeds[gateway - 1], body, size);
}

static const BevQuestionGateways question_gateways = {.sent = sent_to, .answer = send_answer};

/* Is one of them dead, but not reaped yet? */
static bool
any_feed_is_ending(void)
{
	for (int i = 0; i < feed_count; i++)
		if (feeds[i].process.pid > 0 && (feeds[i].channel.fd < 0 || feeds[i].retired))
			return true;
	return false;
}

static void
configure_gateways(void)
{
	for (int i = 0; i < feed_count; i++)
		if (feeds[i].process.pid > 0)
			bev_feed_configure(&feeds[i], bev_current_config());
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

/* ---- the extension ---- */

/* It doesn't run, but is expected to, and may not have read what is old. */
static bool
projector_is_awaited(void)
{
	static TimestampTz since = 0;

	if (since == 0 || bev_worker_registry_is_running(BEV_WORKER_PROJECTOR))
		since = GetCurrentTimestamp();
	return bev_projector && !bev_worker_registry_is_running(BEV_WORKER_PROJECTOR) &&
	       !bev_clock_has_come(TimestampTzPlusMilliseconds(since, PROJECTOR_PATIENCE),
	                           PROJECTOR_PATIENCE);
}

/* The seq behind which history must stay for the gateways' and the projector's sake. */
static uint64
needed_history(void)
{
	uint64 needed = bev_queue_settled();
	uint64 projected;

	if (projector_is_awaited())
		needed = 0;
	else if (bev_worker_registry_is_running(BEV_WORKER_PROJECTOR))
		needed = bev_progress_get(&projected) ? Min(needed, projected) : 0;

	for (int i = 0; i < feed_count; i++)
		if (feeds[i].streaming)
			needed = Min(needed, feeds[i].sent);
	return needed;
}

/* A seq that is nobody's: behind every position that anybody has. */
static uint64
skip_seq(void)
{
	BevReservation none;

	(void) bev_queue_reserve(1, 0, bev_queue_segment(), &none);
	bev_queue_withdraw(&none);
	return none.first_seq;
}

/*
 * Bring the switch in line with bugevents.enabled.  True: the stream may be served.
 *
 * Turning it off takes two checks: that positions from before will be refused has
 * to be committed first, or a crash would forget that something is missing.  On
 * again, those from in between are refused, too; who reads by SQL may have one.
 */
static bool
follow_setting(void)
{
	static bool renewed = false;
	static bool begins = false;

	if (!bev_enabled)
	{
		if (bev_enabled_is_on() && renewed)
		{
			bev_enabled_turn_off();
			ereport(LOG, (errmsg("bugevents is disabled: nothing is captured, nobody is served")));
		}
		else if (bev_enabled_is_on())
			bev_stream_row_renew(bev_queue_settled());
		renewed = true;
		return false;
	}
	renewed = false;
	if (!bev_enabled_is_on())
	{
		bev_enabled_turn_on();
		begins = true;
		ereport(
			LOG,
			(errmsg("bugevents is enabled again, and waits for transactions that began before")));
	}
	if (bev_enabled_is_settling())
		return false;
	if (!begins)
		return true;
	bev_stream_row_renew(skip_seq());
	begins = false;
	return false;
}

/*
 * Was this database written to while another one was served?  Then this is another stream, from
 * the next look on: positions from before are refused by what is committed.
 */
static bool
begins_anew(void)
{
	if (!bev_unserved_take())
		return false;
	bev_sequence_begin();
	bev_stream_row_renew(skip_seq());
	ereport(LOG, (errmsg("bugevents begins another stream: database \"%s\" was written to while it "
	                     "was not served",
	                     bev_database)));
	next_check = 0;
	return true;
}

/* What begins another stream is written to them. */
static bool
try_lock_marks(void)
{
	Oid stream = bev_journal_table(BEV_TABLE_STREAM);
	Oid unserved = bev_journal_table(BEV_TABLE_UNSERVED);

	return (!OidIsValid(stream) || ConditionalLockRelationOid(stream, RowExclusiveLock)) &&
	       (!OidIsValid(unserved) || ConditionalLockRelationOid(unserved, RowExclusiveLock));
}

static bool drops = false; /* history is being dropped */

static void
note_dropped(uint64 settled pg_attribute_unused(),
             const BevAnswerMessage *message pg_attribute_unused(),
             BevSpan rest pg_attribute_unused())
{
	drops = false;
}

/* A responder does what takes time. */
static void
keep_journal_within_bounds(void)
{
	uint64 needed = needed_history();
	char text[24];

	if (drops || !bev_retention_is_due(needed))
		return;
	snprintf(text, sizeof(text), UINT64_FORMAT, needed);
	drops = bev_questions_add_own(BEV_VERB_RETENTION, text, strlen(text), note_dropped);
}

/*
 * The stream's id, or nothing; and do for its journal what is due.  False: somebody has locked
 * one of the tables, and nothing is known.
 */
static bool
read_stream(char *id)
{
	MemoryContext context = CurrentMemoryContext;
	BevStreamRow row;
	bool locked;

	*id = '\0';
	locked = begin_transaction() && try_lock_marks();
	if (!locked)
		bev_counters_skip();
	else if (bev_condition_extension_fits() && !begins_anew() && bev_stream_row_read(&row))
	{
		bev_sequence_begin();
		dropped = row.dropped;
		keep_journal_within_bounds();
		bev_gauges_note();
		bev_alerts_run();
		if (follow_setting())
			strlcpy(id, DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&row.id))),
			        sizeof(stream_id));
	}
	end_transaction(context);
	return locked;
}

/*
 * CREATE EXTENSION lets the stream begin.  When it was dropped or is another one,
 * the gateways start anew: whatever they and their clients know is void.
 */
static void
look_after_stream(void)
{
	char id[sizeof(stream_id)];

	if (!read_stream(id) || strcmp(id, stream_id) == 0)
		return;
	if (*stream_id)
	{
		ereport(LOG, (errmsg("bugevents stream %s ended", stream_id)));
		replace_gateways();
	}
	strlcpy(stream_id, id, sizeof(stream_id));
	/* What they work for is gone, or another one. */
	bev_worker_registry_wake(BEV_WORKER_PROJECTOR);
	bev_worker_registry_wake(BEV_WORKER_COURIER);
	if (*stream_id)
	{
		ereport(LOG, (errmsg("bugevents stream %s of database \"%s\" begins at seq " UINT64_FORMAT,
		                     stream_id, bev_database, bev_queue_settled())));
		for (int i = 0; i < feed_count; i++)
			if (!feeds[i].retired)
				bev_feed_begin(&feeds[i], stream_id, bev_queue_settled(), dropped);
	}
}

/* ---- the loop ---- */

/* A feed may have ended since, wherever that showed. */
static bool
waits_are_current(void)
{
	for (int i = 0; i < feed_count; i++)
		if (feeds[i].channel.fd != waited_for[i])
			return false;
	return wait_set != NULL;
}

static WaitEventSet *
current_wait_set(void)
{
	if (waits_are_current())
		return wait_set;
	forget_waits();
	wait_set = bev_wait_event_set(FEEDS_MAX + 2);
	AddWaitEventToSet(wait_set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(wait_set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
	for (int i = 0; i < feed_count; i++)
	{
		waited_for[i] = feeds[i].channel.fd;
		if (waited_for[i] >= 0)
			AddWaitEventToSet(wait_set, WL_SOCKET_READABLE, waited_for[i], NULL, &feeds[i]);
	}
	return wait_set;
}

/* What a pipe is watched for: to be read, and written where something waits. */
static int
pipe_events(const BevFeed *feed)
{
	if (!bev_feed_listens(feed))
		return WL_SOCKET_WRITEABLE;
	return bev_channel_pending(&feed->channel) > 0 ? WL_SOCKET_READABLE | WL_SOCKET_WRITEABLE :
	                                                 WL_SOCKET_READABLE;
}

/* Their positions are 2, 3, ... */
static void
watch_pipes(WaitEventSet *set)
{
	int position = 2;

	for (int i = 0; i < feed_count; i++)
		if (feeds[i].channel.fd >= 0)
			ModifyWaitEvent(set, position++, pipe_events(&feeds[i]), NULL);
}

/* In how many ms is somebody to be looked up, or a question to be asked?  -1: none. */
static long
asking_due_in(void)
{
	long lookup = bev_lookup_due_in();
	long question = bev_questions_due_in();

	return lookup < 0 || question < 0 ? Max(lookup, question) : Min(lookup, question);
}

static long
sleep_timeout(void)
{
	if (any_feed_wants_journal())
		return bev_clock_has_come(journal_at, LOCKED_RETRY) ? 0 : LOCKED_RETRY;
	if (any_feed_is_ending())
		return REAP_INTERVAL;
	if (asking_due_in() >= 0)
		return Min(asking_due_in(), BUSY_POLL * 10);
	if (commit_interval < BUSY_INTERVAL)
		return BUSY_POLL;
	if (!bev_queue_doze())
		return 0;
	return Min(CHECK_INTERVAL, TimestampDifferenceMilliseconds(GetCurrentTimestamp(), next_check));
}

static void
sleep_until_something_happens(void)
{
	WaitEventSet *set = current_wait_set();
	WaitEvent events[FEEDS_MAX + 2];
	long timeout = sleep_timeout();
	int n;

	watch_pipes(set);
	n = WaitEventSetWait(set, timeout, events, lengthof(events), PG_WAIT_EXTENSION);
	bev_queue_awake();
	if (timeout == BUSY_POLL && n == 0)
		commit_interval *= 1.25; /* unless commits go on, doze again */

	for (int i = 0; i < n; i++)
	{
		BevFeed *feed = events[i].user_data;

		if (feed && (events[i].events & WL_SOCKET_READABLE))
			bev_feed_receive(feed, bev_queue_settled());
	}
	ResetLatch(MyLatch);
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
	read_journal();
	disconnect_clients();

	if (bev_clock_has_come(next_check, CHECK_INTERVAL) || any_feed_is_ending())
	{
		next_check = bev_clock_ahead(CHECK_INTERVAL);
		look_after_stream();
		look_after_gateways();
		if (*stream_id)
			bev_worker_registry_look_after();
		tell_condition();
		bev_security_flush();
	}
	/* What was just asked doesn't wait for the next turn, which may be a second away. */
	bev_lookup_run(admit_client);
	bev_questions_run(bev_queue_settled(), &question_gateways);
	flush_feeds();
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
	before_shmem_exit(stop_feeds_at_exit, 0);
	limit_lock_waits();
	bev_current_config_renew(configure_gateways);
	bev_worker_run(run_turn);

	/* Not 0: that would mean never again. */
	proc_exit(1);
}

void
bev_dispatcher_register(void)
{
	BackgroundWorker worker = bev_worker_describe("dispatcher");

	worker.bgw_restart_time = RESTART_SECONDS;
	RegisterBackgroundWorker(&worker);
}
