/*
 * questions.c - clients' questions to the database, on their way to the responder
 * and back.
 *
 * Model: a question is WAITING, ASKED (one at a time) or ANSWERED.  An answer is not
 * handed over before its gateway was sent all events that it may be based on: else one
 * who was just shut out would still be shown what happened afterwards.
 *
 * Failure: without a responder (it died, there is no slot for one) the question is answered with
 * an error, and the next attempt to start one is RETRY_MS later.
 *
 * Memory: one allocation for each question in a context of its own, QUEUED_MAX
 * of them; an answer is as large as the responder makes it.
 */
#include "server/dispatcher/questions.h"

#include "lib/ilist.h"
#include "postmaster/bgworker.h"
#include "server/base/clock.h"
#include "server/responder/responder_queue.h"
#include "server/responder/responder.h"
#include "storage/dsm.h"
#include "storage/proc.h"
#include "storage/shm_mq.h"
#include "utils/memutils.h"

#define QUEUED_MAX 4096
#define RETRY_MS   5000

typedef enum Stage
{
	WAITING,
	ASKED,
	ANSWERED
} Stage;

typedef struct Question
{
	dlist_node node;
	int gateway; /* 0: gone, or nobody waits */
	Stage stage;
	BevQuestionHead head;
	char *payload;
	Size payload_size;
	uint64 upto; /* of the answer */
	char *answer;
	Size answer_size;
} Question;

static dlist_head questions = DLIST_STATIC_INIT(questions);
static int queued = 0;
static Question *asked = NULL;

/* The responder; segment is NULL when there is none. */
static dsm_segment *segment = NULL;
static shm_mq_handle *to_responder = NULL;
static shm_mq_handle *from_responder = NULL;
static TimestampTz retry_at = 0;

static MemoryContext
questions_context(void)
{
	static MemoryContext context = NULL;

	if (context == NULL)
		context =
			AllocSetContextCreate(TopMemoryContext, "bugevents questions", ALLOCSET_DEFAULT_SIZES);
	return context;
}

bool
bev_questions_add(int gateway, const BevAskMessage *ask, BevSpan payload, const char *user,
                  const char *role)
{
	Question *question;

	if (queued >= QUEUED_MAX)
		return false;
	question = MemoryContextAllocZero(questions_context(), sizeof(Question) + payload.len);
	question->gateway = gateway;
	question->head.ask = *ask;
	strlcpy(question->head.user, user, sizeof(question->head.user));
	strlcpy(question->head.role, role, sizeof(question->head.role));
	question->payload = (char *) (question + 1);
	question->payload_size = payload.len;
	memcpy(question->payload, payload.data, payload.len);
	dlist_push_tail(&questions, &question->node);
	queued++;
	return true;
}

/* One of our own. */
static void
add_own(uint32 verb, const char *text, Size size)
{
	BevAskMessage ask = {.verb = verb};
	BevSpan payload = {text, size};

	(void) bev_questions_add(0, &ask, payload, "", "");
}

void
bev_questions_security_log(const char *json, Size size)
{
	add_own(BEV_VERB_SECURITY_LOG, json, size);
}

void
bev_questions_alert(const char *action, const char *payload)
{
	char *text = psprintf("%s %s", action, payload);

	add_own(BEV_VERB_ALERT, text, strlen(text));
}

static void
remove_question(Question *question)
{
	dlist_delete(&question->node);
	queued--;
	if (question->answer)
		pfree(question->answer);
	pfree(question);
}

static void
set_answer(Question *question, uint64 upto, const char *body, Size size)
{
	question->upto = upto;
	question->answer = MemoryContextAlloc(questions_context(), size);
	question->answer_size = size;
	memcpy(question->answer, body, size);
	question->stage = ANSWERED;
}

static void
set_failure(Question *question)
{
	static const char text[] = "nobody is there to answer, try again";
	char body[sizeof(BevAnswerMessage) + sizeof(text)];
	BevAnswerMessage message = {.client = question->head.ask.client,
	                            .request = question->head.ask.request,
	                            .kind = BEV_ANSWER_ERROR};

	strlcpy(message.code, "internal_error", sizeof(message.code));
	memcpy(body, &message, sizeof(message));
	memcpy(body + sizeof(message), text, sizeof(text) - 1);
	set_answer(question, 0, body, sizeof(message) + sizeof(text) - 1);
}

/* ---- the responder ---- */

static void
leave_responder(void)
{
	if (segment)
		dsm_detach(segment); /* and so from its queues */
	segment = NULL;
	to_responder = from_responder = NULL;
	retry_at = bev_clock_ahead(RETRY_MS);
}

static void
make_queues(BackgroundWorkerHandle *handle)
{
	MemoryContext old = MemoryContextSwitchTo(questions_context());
	shm_mq *queues[2];

	for (int i = 0; i < 2; i++)
		queues[i] =
			(shm_mq *) ((char *) dsm_segment_address(segment) + i * BEV_QUESTION_QUEUE_SIZE);
	to_responder = shm_mq_attach(queues[0], segment, handle);
	from_responder = shm_mq_attach(queues[1], segment, handle);
	MemoryContextSwitchTo(old);
}

/* False: there is none now. */
static bool
have_responder(void)
{
	BackgroundWorkerHandle *handle;
	MemoryContext old;
	bool started;

	if (segment)
		return true;
	if (!bev_clock_has_come(retry_at, RETRY_MS))
		return false;

	segment = dsm_create(2 * BEV_QUESTION_QUEUE_SIZE, DSM_CREATE_NULL_IF_MAXSEGMENTS);
	if (segment == NULL)
	{
		leave_responder();
		return false;
	}
	shm_mq_set_sender(shm_mq_create(dsm_segment_address(segment), BEV_QUESTION_QUEUE_SIZE), MyProc);
	shm_mq_set_receiver(
		shm_mq_create((char *) dsm_segment_address(segment) + BEV_QUESTION_QUEUE_SIZE,
	                  BEV_QUESTION_QUEUE_SIZE),
		MyProc);
	old = MemoryContextSwitchTo(questions_context());
	started = bev_responder_start(dsm_segment_handle(segment), &handle);
	MemoryContextSwitchTo(old);
	if (!started)
	{
		leave_responder();
		return false;
	}
	make_queues(handle);
	return true;
}

static Question *
next_waiting(void)
{
	dlist_iter it;

	dlist_foreach (it, &questions)
	{
		Question *question = dlist_container(Question, node, it.cur);

		if (question->stage == WAITING)
			return question;
	}
	return NULL;
}

/*
 * The queue is empty whenever we ask, and a question fits into it.  True: there was one
 * that nobody will answer.
 */
static bool
ask_next(uint64 settled)
{
	Question *question = asked ? NULL : next_waiting();
	shm_mq_iovec part[2];

	if (question == NULL)
		return false;
	if (!have_responder())
	{
		set_failure(question);
		return true;
	}
	question->head.settled = settled;
	part[0] = (shm_mq_iovec){(char *) &question->head, sizeof(question->head)};
	part[1] = (shm_mq_iovec){question->payload, question->payload_size};
	if (shm_mq_sendv(to_responder, part, 2, true, true) != SHM_MQ_SUCCESS)
	{
		leave_responder();
		set_failure(question);
		return true;
	}
	question->stage = ASKED;
	asked = question;
	return false;
}

/* False: it hasn't come yet. */
static bool
take_answer(void)
{
	Size size;
	void *data;
	shm_mq_result result;

	if (asked == NULL)
		return false;
	result = shm_mq_receive(from_responder, &size, &data, true);
	if (result == SHM_MQ_WOULD_BLOCK)
		return false;
	if (result == SHM_MQ_SUCCESS)
		set_answer(asked, ((BevAnswerHead *) data)->upto, (char *) data + sizeof(BevAnswerHead),
		           size - sizeof(BevAnswerHead));
	else
	{
		leave_responder();
		set_failure(asked);
	}
	asked = NULL;
	return true;
}

void
bev_questions_run(uint64 settled, uint64 (*sent)(int gateway), BevAnswerSink sink)
{
	dlist_mutable_iter it;

	while (ask_next(settled) || take_answer())
		;

	dlist_foreach_modify (it, &questions)
	{
		Question *question = dlist_container(Question, node, it.cur);

		if (question->stage != ANSWERED ||
		    (question->gateway != 0 && sent(question->gateway) < question->upto))
			continue;
		if (question->gateway != 0)
			sink(question->gateway, question->answer, question->answer_size);
		remove_question(question);
	}
}

void
bev_questions_forget(int gateway)
{
	dlist_mutable_iter it;

	dlist_foreach_modify (it, &questions)
	{
		Question *question = dlist_container(Question, node, it.cur);

		if (question->gateway != gateway)
			continue;
		question->gateway = 0;
		if (question->stage != ASKED)
			remove_question(question);
	}
}
