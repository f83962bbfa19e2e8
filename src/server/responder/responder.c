/*
 * responder.c - the background worker that answers clients' questions by SQL.
 *
 * Model: the dispatcher starts it when there is a question for it, and asks one at a
 * time (responder_queue.h).  So SQL, which may wait for locks and read from disk, doesn't
 * hold up the stream (test/t/006_get.pl).  Each answer is a transaction of its own, read-only where
 * the request only reads.  There are bugevents.responders of them, and one that looks up who
 * connects.
 *
 * Failure: an error is logged and answered with internal_error.  A question that takes longer
 * than bugevents.request_timeout is cancelled; one that somebody's lock is in the way of, where
 * that is known at once, is given back for later.  Should the process die, the dispatcher
 * answers in its place, and starts another one.
 */
#include "server/responder/responder.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "server/base/memory_limit.h"
#include "server/base/settings.h"
#include "server/base/worker.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "server/journal/journal.h"
#include "server/queue/queue.h"
#include "server/responder/administer.h"
#include "server/responder/alert_event.h"
#include "server/responder/row_fetch.h"
#include "server/responder/list.h"
#include "server/responder/lookup_answer.h"
#include "server/responder/metrics_answer.h"
#include "server/responder/spool_answer.h"
#include "server/responder/security_log.h"
#include "server/responder/since_answer.h"
#include "server/responder/upkeep.h"
#include "server/responder/user_requests.h"
#include "server/responder/responder_queue.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "storage/shm_mq.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

PGDLLEXPORT void bugevents_responder_main(Datum arg);

#define MIN_TIME 10 /* ms */

typedef struct Verb
{
	const char *name; /* as pg_stat_activity shows it */
	bool writes;
	bool limits_itself;
	void (*answer)(const BevQuestionHead *head, const char *payload, BevAnswer *answer);
} Verb;

static const Verb verbs[] = {
	[BEV_VERB_GET] = {"get", false, false, bev_row_fetch_get},
	[BEV_VERB_LIST] = {"list", false, false, bev_list_answer},
	[BEV_VERB_METRICS] = {"metrics", false, false, bev_metrics_answer},
	[BEV_VERB_NOTIFICATIONS] = {"notifications", false, false, bev_user_requests_list},
	[BEV_VERB_READ] = {"read", true, false, bev_user_requests_read},
	[BEV_VERB_READ_ALL] = {"read_all", true, false, bev_user_requests_read_all},
	[BEV_VERB_WATCH] = {"watch", true, false, bev_user_requests_watch},
	[BEV_VERB_UNWATCH] = {"unwatch", true, false, bev_user_requests_unwatch},
	[BEV_VERB_CONNECTIONS] = {"connections", false, false, bev_administer_connections},
	[BEV_VERB_DISCONNECT] = {"disconnect", false, false, bev_administer_disconnect},
	[BEV_VERB_INSPECT] = {"inspect", false, false, bev_administer_inspect},
	[BEV_VERB_EXPLAIN] = {"explain", false, false, bev_administer_explain},
	[BEV_VERB_VISIBLE] = {"visible", false, false, bev_administer_visible},
	[BEV_VERB_UNSUBSCRIBE] = {"unsubscribe", true, false, bev_user_requests_unsubscribe},
	[BEV_VERB_SINCE] = {"since", false, false, bev_since_answer},
	[BEV_VERB_STATE] = {"state", false, false, bev_row_fetch_state},
	[BEV_VERB_SPOOLED] = {"state", false, false, bev_spool_answer},
	[BEV_VERB_SECURITY_LOG] = {"security events", true, false, bev_security_log_write},
	[BEV_VERB_ALERT] = {"alert", true, false, bev_alert_event_publish},
	[BEV_VERB_LOOKUP] = {"lookup", false, true, bev_lookup_answer},
	[BEV_VERB_RETENTION] = {"retention", true, true, bev_upkeep_retention},
	[BEV_VERB_CONFIG] = {"configuration", false, true, bev_upkeep_config},
};

/* Something, even where it was asked late. */
static int
time_left(const BevQuestionHead *head)
{
	long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), head->until);

	return (int) Max(MIN_TIME, Min(left, bev_request_timeout));
}

/* Of the journal, which the answer of a standby may be based on up to there. */
static uint64
last_seq_there(void)
{
	uint64 last = 0;

	if (!bev_journal_try_lock_most())
		ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE), errmsg("the journal is locked")));
	if (OidIsValid(bev_journal_table(BEV_TABLE_SEGMENT)))
		(void) bev_journal_newest(&last);
	return last;
}

static void
answer_by(const Verb *verb, const BevQuestionHead *head, const char *payload, BevAnswer *answer)
{
	bool is_standby = RecoveryInProgress();

	if (verb->writes && is_standby)
		bev_answer_error(answer, "read_only", "",
		                 "this is a standby, which writes nothing; ask the primary");
	else
		verb->answer(head, payload, answer);
	answer->upto = is_standby ? last_seq_there() : 0;
}

/* In a transaction of its own; an error leaves it to the caller to end that. */
static void
look_up(const BevQuestionHead *head, const char *payload, BevAnswer *answer)
{
	const Verb *verb = &verbs[head->ask.verb];

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	XactReadOnly = !verb->writes;
	if (!verb->limits_itself)
		enable_timeout_after(STATEMENT_TIMEOUT, time_left(head));
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, verb->name);
	answer_by(verb, head, payload, answer);

	PopActiveSnapshot();
	disable_timeout(STATEMENT_TIMEOUT, false);
	CommitTransactionCommand();
}

/* Was the error that of a lock, or of replay, and is there time to try again? */
static bool
is_locked_for_now(const BevQuestionHead *head)
{
	return (geterrcode() == ERRCODE_LOCK_NOT_AVAILABLE || bev_worker_is_conflict()) &&
	       GetCurrentTimestamp() < head->until;
}

static void
answer_question(const BevQuestionHead *head, const char *payload, BevAnswer *answer)
{
	MemoryContext caller = CurrentMemoryContext;

	(void) bev_memory_limit_begin();
	PG_TRY();
	{
		look_up(head, payload, answer);
		bev_memory_limit_end();
	}
	PG_CATCH();
	{
		bool cancelled = geterrcode() == ERRCODE_QUERY_CANCELED;

		bev_memory_limit_end();
		answer->again = is_locked_for_now(head);
		disable_timeout(STATEMENT_TIMEOUT, false);
		if (!answer->again)
			EmitErrorReport();
		AbortCurrentTransaction();
		FlushErrorState();
		MemoryContextSwitchTo(caller);
		bev_answer_error(answer, "internal_error", "",
		                 cancelled ? "the database took too long to answer" :
		                             "the database could not answer");
	}
	PG_END_TRY();
	QueryCancelPending = false; /* it may have come when all was done */
	MemoryContextSwitchTo(caller);
	pgstat_report_activity(STATE_IDLE, NULL);
	(void) pgstat_report_stat(false); /* for autovacuum */
}

/* False: the dispatcher is gone. */
static bool
send_answer(shm_mq_handle *answers, const BevAnswer *answer)
{
	uint64 next = bev_queue_next_seq();
	BevAnswerHead head = {.upto = next == 0 ? answer->upto : next - 1, .again = answer->again};
	shm_mq_iovec part[] = {{(char *) &head, sizeof(head)},
	                       {(char *) &answer->message, sizeof(answer->message)},
	                       {answer->rest.data, answer->rest.len}};

	return shm_mq_sendv(answers, part, lengthof(part), false, true) == SHM_MQ_SUCCESS;
}

/* With a NUL behind it. */
static char *
copy_payload(const BevQuestionHead *head)
{
	char *copy = palloc(head->payload_size + 1);

	memcpy(copy, (const char *) (head + 1) + head->projects_size, head->payload_size);
	copy[head->payload_size] = '\0';
	return copy;
}

static void
serve(shm_mq_handle *questions, shm_mq_handle *answers)
{
	MemoryContext context =
		AllocSetContextCreate(TopMemoryContext, "bugevents question", ALLOCSET_DEFAULT_SIZES);
	bool served = true;

	while (served)
	{
		Size size;
		void *data;
		const BevQuestionHead *head;
		BevAnswer answer = {.message = {0}};

		if (shm_mq_receive(questions, &size, &data, false) != SHM_MQ_SUCCESS)
			break;
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		MemoryContextSwitchTo(context);
		head = data;
		answer.message.client = head->ask.client;
		answer.message.request = head->ask.request;
		answer.message.seq = head->settled;
		initStringInfo(&answer.rest);
		answer_question(head, copy_payload(head), &answer);
		served = send_answer(answers, &answer);
		MemoryContextReset(context);
	}
}

void
bugevents_responder_main(Datum arg)
{
	dsm_segment *segment;
	shm_mq *queues[2];

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();

	segment = dsm_attach(DatumGetUInt32(arg));
	if (segment == NULL)
		proc_exit(0); /* whoever wanted us is gone */
	for (int i = 0; i < 2; i++)
		queues[i] =
			(shm_mq *) ((char *) dsm_segment_address(segment) + i * BEV_QUESTION_QUEUE_SIZE);
	shm_mq_set_receiver(queues[0], MyProc);
	shm_mq_set_sender(queues[1], MyProc);
	bev_worker_connect();
	/* A client waits for what it writes; not also for a standby (test/t/213_eras.pl). */
	SetConfigOption("synchronous_commit", "local", PGC_SUSET, PGC_S_OVERRIDE);
	serve(shm_mq_attach(queues[0], segment, NULL), shm_mq_attach(queues[1], segment, NULL));
	dsm_detach(segment);
	proc_exit(0);
}

/* What each of them is called, and what is lost without it. */
static const char *
name_it(BackgroundWorker *worker, int number)
{
	if (number > 1)
	{
		snprintf(worker->bgw_name, sizeof(worker->bgw_name), "bugevents responder %d", number);
		return "questions wait for one another";
	}
	if (number == 1)
		return "clients' get and list fail";
	strlcpy(worker->bgw_name, "bugevents lookup", sizeof(worker->bgw_name));
	strlcpy(worker->bgw_type, "bugevents lookup", sizeof(worker->bgw_type));
	return "who connects waits for others' questions";
}

bool
bev_responder_start(dsm_handle segment, int number, BackgroundWorkerHandle **handle)
{
	BackgroundWorker worker = bev_worker_describe("responder");
	const char *loss = name_it(&worker, number);

	worker.bgw_start_time = BgWorkerStart_ConsistentState;
	worker.bgw_main_arg = UInt32GetDatum(segment);
	worker.bgw_notify_pid = MyProcPid;
	return bev_worker_start(&worker, loss, handle);
}
