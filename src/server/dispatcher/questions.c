/*
 * questions.c - questions to the database, on their way to the responders and back.
 *
 * Model: a question is WAITING, ASKED or ANSWERED.  When a responder is free, it is given the
 * question of the user who had the least of their time lately (share.c), and of that user's the
 * first.  No user has all of them at a time, nor have all lists and all heavy users together: so
 * where there are two or more, a light question isn't behind a heavy one (test/t/009_fair.pl).  The
 * dispatcher's own questions count as one more user's, and are asked one after the other.
 *
 * Who connects is looked up by a responder of its own, which nobody else's questions hold up; where
 * there is no worker for it, by the others.
 *
 * One whose table somebody has locked is given up by the responder and asked again LOCKED_RETRY
 * later, until bugevents.request_timeout is over: what waits for a lock waits here.
 *
 * An answer is not handed over before its gateway was sent all events that it may be based on: else
 * one who was just shut out would still be shown what happened afterwards.  Nothing is asked
 * for a gateway that is not up to date, so answers don't pile up here.
 *
 * Failure: where there is no responder at all (it died, there is no slot for one), questions are
 * answered with an error.
 *
 * Memory: one allocation for each question in a context of its own, QUEUED_MAX of them; an answer
 * for each responder, as large as that makes it, and those of a gateway that falls behind
 * meanwhile.
 *
 * Cost: a walk over those that are queued for each that is asked.
 */
#include "server/dispatcher/questions.h"

#include "access/xlog.h"
#include "lib/ilist.h"
#include "server/base/clock.h"
#include "server/base/settings.h"
#include "server/dispatcher/responder_pool.h"
#include "server/dispatcher/share.h"
#include "server/dispatcher/spool_files.h"
#include "utils/memutils.h"

#define QUEUED_MAX   4096
#define LOCKED_RETRY 100 /* ms */

#define OURSELVES "" /* no user's name */

typedef enum Stage
{
	WAITING,
	ASKED,
	ANSWERED
} Stage;

typedef struct Question
{
	dlist_node node;
	int gateway; /* 0: gone, or it is our own */
	bool own;
	BevOwnAnswer answered; /* or NULL */
	Stage stage;
	TimestampTz not_before;
	BevShare *share;
	BevQuestionHead head;
	BevSpan payload; /* the projects, and then the payload */
	uint64 upto;     /* of the answer */
	BevSpan answer;
} Question;

static dlist_head questions = DLIST_STATIC_INIT(questions);
static int queued = 0;
static int waiting = 0;                /* of them */
static Question *asked_at[BEV_PLACES]; /* by place */

static MemoryContext
questions_context(void)
{
	static MemoryContext context = NULL;

	if (context == NULL)
		context =
			AllocSetContextCreate(TopMemoryContext, "bugevents questions", ALLOCSET_DEFAULT_SIZES);
	return context;
}

/* ---- the queue ---- */

static void
set_stage(Question *question, Stage stage)
{
	waiting += (stage == WAITING) - (question->stage == WAITING);
	question->stage = stage;
}

/* NULL: there are too many. */
static Question *
add_question(const BevAskMessage *ask, BevSpan projects, BevSpan payload, const char *user)
{
	Question *question;
	char *copy;

	if (queued >= QUEUED_MAX)
		return NULL;
	question =
		MemoryContextAllocZero(questions_context(), sizeof(Question) + projects.len + payload.len);
	question->head.ask = *ask;
	strlcpy(question->head.user, user, sizeof(question->head.user));
	copy = (char *) (question + 1);
	if (projects.len > 0)
		memcpy(copy, projects.data, projects.len);
	memcpy(copy + projects.len, payload.data, payload.len);
	question->head.projects_size = projects.len;
	question->head.payload_size = payload.len;
	question->payload = (BevSpan){copy, projects.len + payload.len};
	question->share = bev_share_take(user);
	dlist_push_tail(&questions, &question->node);
	queued++;
	waiting++;
	return question;
}

bool
bev_questions_add(int gateway, const BevAskMessage *ask, BevSpan payload, const BevGrant *grant,
                  const char *projects)
{
	Question *question =
		add_question(ask, (BevSpan){projects, grant->projects}, payload, grant->user);

	if (question == NULL)
		return false;
	question->gateway = gateway;
	question->head.spools = *bev_spool_files_of(gateway);
	strlcpy(question->head.role, grant->role, sizeof(question->head.role));
	return true;
}

bool
bev_questions_add_own(uint32 verb, const char *payload, Size size, BevOwnAnswer answered)
{
	BevAskMessage ask = {.verb = verb};
	Question *question =
		add_question(&ask, (BevSpan){NULL, 0}, (BevSpan){payload, (uint32_t) size}, OURSELVES);

	if (question == NULL)
		return false;
	question->own = true;
	question->answered = answered;
	return true;
}

void
bev_questions_security_log(const char *json, Size size)
{
	(void) bev_questions_add_own(BEV_VERB_SECURITY_LOG, json, size, NULL);
}

void
bev_questions_alert(const char *action, const char *payload)
{
	char *text = psprintf("%s %s", action, payload);

	(void) bev_questions_add_own(BEV_VERB_ALERT, text, strlen(text), NULL);
}

static void
remove_question(Question *question)
{
	set_stage(question, ANSWERED);
	dlist_delete(&question->node);
	queued--;
	bev_share_release(question->share);
	if (question->answer.data)
	{
		/* There may be secrets in our own. */
		explicit_bzero(unconstify(char *, question->answer.data),
		               question->own ? question->answer.len : 0);
		pfree(unconstify(char *, question->answer.data));
	}
	pfree(question);
}

static void
set_answer(Question *question, uint64 upto, BevSpan body)
{
	char *copy = MemoryContextAlloc(questions_context(), body.len);

	memcpy(copy, body.data, body.len);
	question->answer = (BevSpan){copy, body.len};
	question->upto = upto;
	set_stage(question, ANSWERED);
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
	set_answer(question, 0, (BevSpan){body, sizeof(message) + sizeof(text) - 1});
}

/* ---- whose turn it is ---- */

static bool
is_lookup(const Question *question)
{
	return question->head.ask.verb == BEV_VERB_LOOKUP;
}

/* Those who look up questions; or everybody, if there is nobody else for it. */
static bool
fits_place(const Question *question, int place)
{
	if (place == BEV_PLACE_LOOKUP)
		return is_lookup(question);
	return !is_lookup(question) || !bev_responder_pool_is_there(BEV_PLACE_LOOKUP);
}

/* Does it take long by what it asks for, or by who asks? */
static bool
is_heavy(const Question *question, TimestampTz now)
{
	uint32 verb = question->head.ask.verb;

	return verb == BEV_VERB_LIST || verb == BEV_VERB_STATE || verb == BEV_VERB_CONNECTIONS ||
	       (verb >= BEV_VERB_INSPECT && verb <= BEV_VERB_VISIBLE) || verb == BEV_VERB_RETENTION ||
	       bev_share_is_heavy(question->share, now);
}

static int
heavy_running(TimestampTz now)
{
	int n = 0;

	for (int place = BEV_PLACE_LOOKUP + 1; place < BEV_PLACES; place++)
		n += asked_at[place] && is_heavy(asked_at[place], now);
	return n;
}

/* May one more question of this user be under way, with so many heavy ones? */
static bool
has_room(const Question *question, int heavy, TimestampTz now)
{
	int most = Max(1, bev_responders - 1);

	if (is_lookup(question))
		return true;
	return bev_share_running(question->share) < (question->own ? 1 : most) &&
	       (!is_heavy(question, now) || heavy < most);
}

/* Can its answer be handed over at once? */
static bool
is_up_to_date(const Question *question, uint64 settled, const BevQuestionGateways *gateways)
{
	return question->gateway == 0 || gateways->sent(question->gateway) >= settled;
}

static Question *
choose(int place, uint64 settled, const BevQuestionGateways *gateways)
{
	TimestampTz now = GetCurrentTimestamp();
	int heavy = heavy_running(now);
	Question *chosen = NULL;
	dlist_iter it;

	dlist_foreach (it, &questions)
	{
		Question *question = dlist_container(Question, node, it.cur);

		if (question->stage == WAITING && fits_place(question, place) &&
		    bev_clock_has_come(question->not_before, LOCKED_RETRY) &&
		    has_room(question, heavy, now) && is_up_to_date(question, settled, gateways) &&
		    (chosen == NULL ||
		     bev_share_used(question->share, now) < bev_share_used(chosen->share, now)))
			chosen = question;
	}
	return chosen;
}

/* ---- asking ---- */

static void
begin_asking(Question *question, int place)
{
	asked_at[place] = question;
	set_stage(question, ASKED);
	if (!is_lookup(question))
		bev_share_begin(question->share);
}

static void
end_asking(Question *question, int place)
{
	asked_at[place] = NULL;
	if (!is_lookup(question))
		bev_share_end(question->share);
}

static void
ask_at(int place, uint64 settled, const BevQuestionGateways *gateways)
{
	Question *question = choose(place, settled, gateways);

	if (question == NULL)
		return;
	question->head.settled = settled;
	if (question->head.until == 0)
		question->head.until = bev_clock_ahead(bev_request_timeout);
	if (bev_responder_pool_ask(place, &question->head, question->payload))
		begin_asking(question, place);
}

static void
ask(uint64 settled, const BevQuestionGateways *gateways)
{
	for (int place = 0; place <= bev_responders && waiting > 0; place++)
		if (bev_responder_pool_is_free(place) && bev_responder_pool_is_there(place))
			ask_at(place, settled, gateways);
}

static bool
anybody_is_there(void)
{
	bool there = false;

	for (int place = 1; place <= bev_responders; place++)
		there |= bev_responder_pool_is_there(place);
	return there;
}

/* Of those who wait for nobody, each is told. */
static void
give_up(void)
{
	dlist_iter it;

	if (waiting == 0 || anybody_is_there())
		return;
	dlist_foreach (it, &questions)
	{
		Question *question = dlist_container(Question, node, it.cur);

		if (question->stage == WAITING &&
		    !(is_lookup(question) && bev_responder_pool_is_there(BEV_PLACE_LOOKUP)))
			set_failure(question);
	}
}

/* ---- the answers ---- */

/* Replay may have ended the responder, on a standby (it was in a subtransaction). */
static bool
is_worth_another_try(const Question *question)
{
	return RecoveryInProgress() && GetCurrentTimestamp() < question->head.until;
}

static void
take_answer(int place)
{
	Question *question = asked_at[place];
	BevAnswerHead head;
	BevSpan body;
	BevPoolResult result = bev_responder_pool_take(place, &head, &body);

	if (result == BEV_POOL_NOTHING)
		return;
	end_asking(question, place);
	if (question->gateway == 0)
		bev_spool_files_delete(&question->head.spools);
	if (result == BEV_POOL_LOST && !is_worth_another_try(question))
		set_failure(question);
	else if (result == BEV_POOL_LOST || head.again)
	{
		question->not_before = bev_clock_ahead(LOCKED_RETRY);
		set_stage(question, WAITING);
	}
	else
		set_answer(question, head.upto, body);
}

static void
take_answers(void)
{
	for (int place = 0; place < BEV_PLACES; place++)
		if (asked_at[place])
			take_answer(place);
}

static void
tell_own(Question *question)
{
	BevAnswerMessage message;
	BevSpan rest = {question->answer.data + sizeof(message),
	                question->answer.len - (uint32_t) sizeof(message)};

	if (question->answered == NULL)
		return;
	memcpy(&message, question->answer.data, sizeof(message));
	question->answered(question->head.settled, message.kind == BEV_ANSWER_ERROR ? NULL : &message,
	                   rest);
}

/*
 * A standby has seen rows whose events aren't decided yet, and may not be for long, if the
 * primary's dispatcher is away.
 */
static void
limit_wait(Question *question)
{
	if (question->upto == 0 || !RecoveryInProgress() ||
	    GetCurrentTimestamp() < question->head.until)
		return;
	pfree(unconstify(char *, question->answer.data));
	set_failure(question);
}

static void
hand_over(const BevQuestionGateways *gateways)
{
	dlist_mutable_iter it;

	dlist_foreach_modify (it, &questions)
	{
		Question *question = dlist_container(Question, node, it.cur);

		if (question->stage != ANSWERED)
			continue;
		if (question->gateway != 0 && gateways->sent(question->gateway) < question->upto)
			limit_wait(question);
		if (question->gateway != 0 && gateways->sent(question->gateway) < question->upto)
			continue;
		if (question->gateway != 0)
			gateways->answer(question->gateway, question->head.ask.verb,
			                 unconstify(char *, question->answer.data), question->answer.len);
		else if (question->own)
			tell_own(question);
		remove_question(question);
	}
}

void
bev_questions_run(uint64 settled, const BevQuestionGateways *gateways)
{
	if (queued > 0)
	{
		take_answers();
		ask(settled, gateways);
		give_up();
		hand_over(gateways);
	}
	bev_responder_pool_shrink(bev_responders);
}

long
bev_questions_due_in(void)
{
	TimestampTz now = GetCurrentTimestamp();
	long due = -1;
	dlist_iter it;

	if (waiting == 0)
		return -1;
	dlist_foreach (it, &questions)
	{
		Question *question = dlist_container(Question, node, it.cur);

		if (question->stage == WAITING && question->not_before > now)
		{
			long ms = TimestampDifferenceMilliseconds(now, question->not_before);

			due = due < 0 ? ms : Min(due, ms);
		}
	}
	return due < 0 ? -1 : Min(due, LOCKED_RETRY);
}

int
bev_questions_queued(void)
{
	return queued;
}

void
bev_questions_forget(int gateway)
{
	dlist_mutable_iter it;

	dlist_foreach_modify (it, &questions)
	{
		Question *question = dlist_container(Question, node, it.cur);

		if (question->own || question->gateway != gateway)
			continue;
		question->gateway = 0;
		if (question->stage != ASKED)
			remove_question(question);
	}
}
