/*
 * question.c - what a client asks of the database.
 *
 * Model: questions go through the dispatcher, which answers most of them in the
 * order in which they came; so what is open is a queue that is searched from its
 * head.  A row comes as the record of an event, and is shown to whom that event
 * would be shown, in the same form: there is no second rule about who sees what.
 *
 * Memory: of each session one question is asked at a time, and only while its socket takes what
 * it is sent.  So there is one answer for a client that reads slowly, which is no longer than
 * a chunk of rows or one row (test/gateway/questions.py); its other questions wait as they came,
 * OPEN_MAX of them.
 *
 * Concurrency: the answer comes through the pipe behind all events that it may be
 * based on.  Whoever lost sight of a row by then doesn't get it.
 */
#include "gateway/session/question.h"
#include "common/event/audience.h"
#include "common/program/memory.h"
#include "common/pipe/body.h"
#include "gateway/session/reply.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* Of one session; its rate limits it as well, but answers may be slow. */
#define OPEN_MAX 8

struct BevQuestion
{
	STAILQ_ENTRY(BevQuestion) next;
	BevSession *session; /* NULL: gone meanwhile */
	uint64_t number;     /* of the session; 0: not asked in its name */
	BevVerb verb;
	uint32_t request; /* once it is asked */
	bool in_line;     /* the session's next question waits for its answer */
	bool is_token;
	BevTokenUse use;
	char *id;      /* JSON text, or NULL */
	char *payload; /* until it is asked */
	BevAnswered answered;
	BevSharedAnswered shared;        /* in its place: whoever asked may be gone */
	void *state;                     /* of answered's */
	void (*free_state)(void *state); /* NULL: it is kept */
};

static BevQuestion *
take_first(BevQuestionQueue *queue)
{
	BevQuestion *question = STAILQ_FIRST(queue);

	if (question)
		STAILQ_REMOVE_HEAD(queue, next);
	return question;
}

/* Take it out of the queue; NULL: there is no such question. */
static BevQuestion *
take(BevQuestionQueue *queue, uint64_t number, uint32_t request)
{
	BevQuestion *question;

	STAILQ_FOREACH (question, queue, next)
		if (question->number == number && question->request == request)
			break;
	if (question)
		STAILQ_REMOVE(queue, question, BevQuestion, next);
	return question;
}

static void
forget_payload(BevQuestion *question)
{
	if (question->payload && question->is_token)
		OPENSSL_cleanse(question->payload, strlen(question->payload));
	free(question->payload);
	question->payload = NULL;
}

static void
free_question(BevQuestion *question)
{
	free(question->id);
	forget_payload(question);
	if (question->state && question->free_state)
		question->free_state(question->state);
	free(question);
}

static BevQuestion *
make_question(const BevQuestion *wanted, const char *payload)
{
	BevQuestion *question = bev_alloc(sizeof(*question));

	*question = *wanted;
	question->payload = bev_copy_text(payload, strlen(payload));
	if (question->session)
		question->session->questions++;
	return question;
}

static void
send_ask(BevQuestions *questions, const BevQuestion *question)
{
	BevAskMessage message = {
		.client = question->number,
		.request = question->request,
		.verb = question->verb,
	};

	bev_link_send(questions->link, BEV_MSG_ASK, &message, question->payload,
	              strlen(question->payload));
}

static void
send_token(BevQuestions *questions, const BevQuestion *question)
{
	BevTokenMessage message = {
		.client = question->number,
		.request = question->request,
		.use = question->use,
	};
	size_t len = strlen(question->payload);

	bev_link_send(questions->link, BEV_MSG_TOKEN, &message, question->payload,
	              len > BEV_TOKEN_MAX ? BEV_TOKEN_MAX + 1 : len);
	questions->tokens++;
}

/* Send a question, and keep the rest of it until the answer comes. */
static void
ask(BevQuestions *questions, BevQuestion *question)
{
	question->request = ++questions->last_request;
	if (question->is_token)
		send_token(questions, question);
	else
		send_ask(questions, question);
	forget_payload(question);
	STAILQ_INSERT_TAIL(&questions->asked, question, next);
}

void
bev_question_go_on(BevQuestions *questions, BevSession *session)
{
	if (session->asks || STAILQ_EMPTY(&session->to_ask) || bev_socket_is_choked(&session->socket))
		return;
	session->asks = true;
	ask(questions, take_first(&session->to_ask));
}

/* ---- Replies to requests ---- */

bool
bev_question_may_see(const BevSession *session, const BevEvent *event)
{
	BevSpan audience = event->field[BEV_EVENT_AUDIENCE];

	return bev_audience_matches(audience, bev_audience_flags(audience), &session->principals);
}

void
bev_question_add_row(BevText *text, const BevSession *session, const BevEvent *event)
{
	bool open = event->field[BEV_EVENT_OPEN_PAYLOAD].len > 0 && !session->principals.is_admin;
	BevSpan payload = event->field[open ? BEV_EVENT_OPEN_PAYLOAD : BEV_EVENT_PAYLOAD];

	bev_text_add(text, payload.data, payload.len);
}

void
bev_question_report(BevSession *session, const char *id, const BevAnswerMessage *answer,
                    BevSpan rest)
{
	char more[64] = "";
	char *text = bev_copy_text(rest.data, rest.len);

	if (*answer->field)
		snprintf(more, sizeof(more), ",\"field\":\"%s\"", answer->field);
	bev_reply_error_with(session, id, answer->code, text, more);
	free(text);
}

static void
reply_no_row(BevSession *session, const char *id)
{
	bev_reply_error(session, id, "not_found", "there is no such row, or it is not for you");
}

/* One row, or none; false: malformed. */
static bool
reply_row(BevSession *session, const char *id, const BevAnswerMessage *answer, BevSpan records)
{
	BevText text = {0};
	BevEvent event;

	if (answer->count > 0 && !bev_body_next_record(&records, &event))
		return false;
	if (answer->count > 0 && bev_question_may_see(session, &event))
	{
		bev_question_add_row(&text, session, &event);
		bev_text_add(&text, "", 1);
		bev_reply_as_of(session, id, answer->seq, text.data);
	}
	else
		reply_no_row(session, id);
	bev_text_free(&text);
	return true;
}

static void
reply_object(BevSession *session, const char *id, BevSpan object)
{
	char *text = bev_copy_text(object.data, object.len);

	bev_reply_ok(session, id, text);
	free(text);
}

static bool
reply(BevQuestions *questions __attribute__((unused)), BevSession *session, const char *id,
      const BevAnswerMessage *answer, BevSpan rest, void **state __attribute__((unused)))
{
	switch (answer->kind)
	{
		case BEV_ANSWER_ROW:
			return reply_row(session, id, answer, rest);
		case BEV_ANSWER_OBJECT:
			reply_object(session, id, rest);
			return true;
		case BEV_ANSWER_ERROR:
			bev_question_report(session, id, answer, rest);
			return true;
		default:
			return false;
	}
}

/* ---- Asking and answering ---- */

void
bev_question_ask_for(BevQuestions *questions, BevSession *session, const char *id, BevVerb verb,
                     const char *payload, BevAnswered answered, void *state,
                     void (*free_state)(void *state))
{
	BevQuestion question = {
		.session = session,
		.number = session->number,
		.verb = verb,
		.in_line = true,
		.answered = answered,
		.state = state,
		.free_state = free_state,
	};

	if (strlen(payload) <= BEV_ASK_MAX && session->questions < OPEN_MAX)
	{
		BevQuestion *asked;

		question.id = id ? bev_copy_text(id, strlen(id)) : NULL;
		asked = make_question(&question, payload);
		STAILQ_INSERT_TAIL(&session->to_ask, asked, next);
		bev_question_go_on(questions, session);
		return;
	}
	if (strlen(payload) > BEV_ASK_MAX)
		bev_reply_error(session, id, "invalid_message", "the payload is too long for this request");
	else
		bev_reply_error_with(session, id, "rate_limited",
		                     "too many requests wait for their answers", ",\"retry_after\":1");
	if (state && free_state)
		free_state(state);
}

void
bev_question_ask(BevQuestions *questions, BevSession *session, const char *id, BevVerb verb,
                 const char *payload)
{
	bev_question_ask_for(questions, session, id, verb, payload, reply, NULL, NULL);
}

static bool
is_project(const BevEvent *event)
{
	static const char name[] = "project";
	const BevSpan *type = &event->field[BEV_EVENT_TYPE];

	return type->len == sizeof(name) - 1 && memcmp(type->data, name, type->len) == 0;
}

/* The row of a bug or a project: who sees it may watch it, under the key that it has itself. */
static bool
on_row(BevQuestions *questions, BevSession *session, const char *id, const BevAnswerMessage *answer,
       BevSpan rest, void **state __attribute__((unused)))
{
	BevText payload = {0};
	BevEvent event;

	if (answer->kind == BEV_ANSWER_ERROR)
		bev_question_report(session, id, answer, rest);
	else if (answer->kind != BEV_ANSWER_ROW ||
	         (answer->count > 0 && !bev_body_next_record(&rest, &event)))
		return false;
	else if (answer->count == 0 || !bev_question_may_see(session, &event))
		reply_no_row(session, id);
	else
	{
		bev_text_add_string(&payload,
		                    is_project(&event) ? "{\"project_id\":" : "{\"bug_report_id\":");
		bev_text_add_json(&payload, event.field[BEV_EVENT_KEY].data,
		                  event.field[BEV_EVENT_KEY].len);
		bev_text_add(&payload, "}", 2);
		bev_question_ask(questions, session, id, BEV_VERB_WATCH, payload.data);
		bev_text_free(&payload);
	}
	return true;
}

void
bev_question_watch(BevQuestions *questions, BevSession *session, const char *id,
                   const char *payload)
{
	bev_question_ask_for(questions, session, id, BEV_VERB_GET, payload, on_row, NULL, NULL);
}

void
bev_question_unsubscribe(BevQuestions *questions, BevSession *session, const char *payload,
                         BevAnswered answered)
{
	BevQuestion question = {.session = session, .verb = BEV_VERB_UNSUBSCRIBE, .answered = answered};

	ask(questions, make_question(&question, payload));
}

void
bev_question_metrics(BevQuestions *questions, BevSession *session, BevAnswered answered)
{
	BevQuestion question = {.session = session, .verb = BEV_VERB_METRICS, .answered = answered};

	ask(questions, make_question(&question, "{}"));
}

bool
bev_question_token(BevQuestions *questions, BevSession *session, const char *id, BevTokenUse use,
                   const char *token, BevAnswered answered, void *state)
{
	BevQuestion question = {
		.session = session,
		.number = use == BEV_TOKEN_METRICS ? 0 : session->number,
		.is_token = true,
		.use = use,
		.answered = answered,
		.state = state,
	};

	if (questions->tokens >= BEV_CHECKS_MAX || session->questions >= OPEN_MAX)
		return false;
	question.id = id ? bev_copy_text(id, strlen(id)) : NULL;
	ask(questions, make_question(&question, token));
	return true;
}

void
bev_question_ask_shared(BevQuestions *questions, const BevSession *session, BevVerb verb,
                        const char *payload, BevSharedAnswered answered, void *state)
{
	BevQuestion question = {
		.number = session->number, .verb = verb, .shared = answered, .state = state};

	ask(questions, make_question(&question, payload));
}

/* Nobody's: the one who gave his name for it may be gone. */
static bool
take_shared(BevQuestion *question, const BevAnswerMessage *answer, BevSpan rest)
{
	void *state = question->state;

	question->state = NULL;
	return question->shared(state, answer, rest);
}

bool
bev_question_answered(BevQuestions *questions, const BevMessage *message)
{
	BevAnswerMessage answer;
	BevSpan rest;
	BevQuestion *question;
	BevSession *session;
	bool fits = true;

	if (!bev_body_read(message, &answer, sizeof(answer), &rest) ||
	    (question = take(&questions->asked, answer.client, answer.request)) == NULL)
		return false;
	session = question->session;
	questions->tokens -= question->is_token;
	if (question->shared)
		fits = take_shared(question, &answer, rest);
	if (session)
	{
		session->questions--;
		session->asks &= !question->in_line;
	}
	if (session && session->state != BEV_SESSION_CLOSING)
	{
		fits =
			question->answered(questions, session, question->id, &answer, rest, &question->state);
		bev_session_flush(session);
		bev_question_go_on(questions, session);
	}
	free_question(question);
	return fits;
}

void
bev_question_forget(BevQuestions *questions, BevSession *session)
{
	BevQuestion *question;

	while ((question = take_first(&session->to_ask)) != NULL)
	{
		session->questions--;
		free_question(question);
	}
	if (session->questions == 0)
		return;
	STAILQ_FOREACH (question, &questions->asked, next)
		if (question->session == session)
		{
			question->session = NULL;
			session->questions--;
		}
}

void
bev_question_free(BevQuestions *questions)
{
	BevQuestion *question;

	while ((question = take_first(&questions->asked)) != NULL)
		free_question(question);
}
