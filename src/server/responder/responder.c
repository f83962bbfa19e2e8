/*
 * responder.c - the background worker that answers clients' questions by SQL.
 *
 * Model: the dispatcher starts it when the first question comes, and asks one at a
 * time (responder_queue.h).  So SQL, which may wait for locks and read from disk, doesn't
 * hold up the stream (test/t/006_get.pl).  Each answer is a transaction of its own, read-only where
 * the request only reads.
 *
 * Failure: an error is logged and answered with internal_error.  A question that takes longer
 * than bugevents.request_timeout is cancelled.  Should the process die, the dispatcher
 * answers in its place, and starts another one.
 */
#include "server/responder/responder.h"

#include "access/xact.h"
#include "server/base/settings.h"
#include "server/base/worker.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "server/queue/queue.h"
#include "server/responder/administer.h"
#include "server/responder/alert_event.h"
#include "server/responder/row_fetch.h"
#include "server/responder/exposition.h"
#include "server/responder/security_log.h"
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

typedef struct Verb
{
	const char *name; /* as pg_stat_activity shows it */
	bool writes;
	void (*answer)(const BevQuestionHead *head, const char *payload, BevAnswer *answer);
} Verb;

static const Verb verbs[] = {
	[BEV_VERB_GET] = {"get", false, bev_row_fetch_get},
	[BEV_VERB_LIST] = {"list", false, bev_row_fetch_list},
	[BEV_VERB_METRICS] = {"metrics", false, bev_exposition_write},
	[BEV_VERB_NOTIFICATIONS] = {"notifications", false, bev_user_requests_list},
	[BEV_VERB_READ] = {"read", true, bev_user_requests_read},
	[BEV_VERB_READ_ALL] = {"read_all", true, bev_user_requests_read_all},
	[BEV_VERB_WATCH] = {"watch", true, bev_user_requests_watch},
	[BEV_VERB_UNWATCH] = {"unwatch", true, bev_user_requests_unwatch},
	[BEV_VERB_CONNECTIONS] = {"connections", false, bev_administer_connections},
	[BEV_VERB_DISCONNECT] = {"disconnect", false, bev_administer_disconnect},
	[BEV_VERB_SECURITY_LOG] = {"security events", true, bev_security_log_write},
	[BEV_VERB_ALERT] = {"alert", true, bev_alert_event_publish},
};

/* In a transaction of its own; an error leaves it to the caller to end that. */
static void
look_up(const BevQuestionHead *head, const char *payload, BevAnswer *answer)
{
	const Verb *verb = &verbs[head->ask.verb];

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	XactReadOnly = !verb->writes;
	enable_timeout_after(STATEMENT_TIMEOUT, bev_request_timeout);
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, verb->name);
	verb->answer(head, payload, answer);

	PopActiveSnapshot();
	disable_timeout(STATEMENT_TIMEOUT, false);
	CommitTransactionCommand();
}

static void
answer_question(const BevQuestionHead *head, const char *payload, BevAnswer *answer)
{
	MemoryContext caller = CurrentMemoryContext;

	PG_TRY();
	{
		look_up(head, payload, answer);
	}
	PG_CATCH();
	{
		bool cancelled = geterrcode() == ERRCODE_QUERY_CANCELED;

		disable_timeout(STATEMENT_TIMEOUT, false);
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
	BevAnswerHead head = {.upto = next == 0 ? 0 : next - 1};
	shm_mq_iovec part[] = {{(char *) &head, sizeof(head)},
	                       {(char *) &answer->message, sizeof(answer->message)},
	                       {answer->rest.data, answer->rest.len}};

	return shm_mq_sendv(answers, part, lengthof(part), false, true) == SHM_MQ_SUCCESS;
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
		answer_question(head, pnstrdup((char *) (head + 1), size - sizeof(*head)), &answer);
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
	serve(shm_mq_attach(queues[0], segment, NULL), shm_mq_attach(queues[1], segment, NULL));
	dsm_detach(segment);
	proc_exit(0);
}

bool
bev_responder_start(dsm_handle segment, BackgroundWorkerHandle **handle)
{
	BackgroundWorker worker = bev_worker_describe("responder");

	worker.bgw_start_time = BgWorkerStart_ConsistentState;
	worker.bgw_main_arg = UInt32GetDatum(segment);
	worker.bgw_notify_pid = MyProcPid;
	return bev_worker_start(&worker, "clients' get and list fail", handle);
}
