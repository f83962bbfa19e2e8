/*
 * question.c - what a client asks of the database.
 *
 * Model: questions go through the dispatcher, which answers most of them in the
 * order in which they came; so what is open is a queue that is searched from its
 * head.  A row comes as the record of an event, and is shown to whom that event
 * would be shown, in the same form: there is no second rule about who sees what.
 *
 * Concurrency: the answer comes through the pipe behind all events that it may be
 * based on.  Whoever lost sight of a row by then doesn't get it.
 */
#include "gateway/session/question.h"
#include "common/event/audience.h"
#include "gateway/client/http.h"
#include "common/program/memory.h"
#include "common/pipe/body.h"
#include "gateway/session/reply.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Of one client; its rate limits it as well, but answers may be slow. */
#define OPEN_MAX	8

struct BeQuestion
{
	BeQuestion *next;
	BeClient   *client;			/* NULL: gone meanwhile */
	uint64_t	number;			/* of the client */
	uint32_t	request;
	char	   *id;				/* JSON text, or NULL */
};

static void
append(BeGateway *gateway, BeQuestion *question)
{
	if (gateway->questions_last)
		gateway->questions_last->next = question;
	else
		gateway->questions_first = question;
	gateway->questions_last = question;
}

/* Take it out of the queue; NULL: there is no such question. */
static BeQuestion *
take(BeGateway *gateway, uint64_t number, uint32_t request)
{
	BeQuestion *before = NULL;
	BeQuestion *question = gateway->questions_first;

	while (question && (question->number != number || question->request != request))
	{
		before = question;
		question = question->next;
	}
	if (question == NULL)
		return NULL;
	if (before)
		before->next = question->next;
	else
		gateway->questions_first = question->next;
	if (gateway->questions_last == question)
		gateway->questions_last = before;
	return question;
}

static void
free_question(BeQuestion *question)
{
	free(question->id);
	free(question);
}

void
be_question_ask(BeClient *client, const char *id, BeVerb verb, const char *payload)
{
	BeGateway  *gateway = client->gateway;
	size_t		len = strlen(payload);
	BeAskMessage ask = {
		.client = client->number,
		.request = ++gateway->last_request,
		.verb = verb,
	};
	BeQuestion *question;

	if (len > BE_ASK_MAX)
	{
		be_reply_error(client, id, "invalid_message", "the payload is too long for this request");
		return;
	}
	if (client->questions >= OPEN_MAX)
	{
		be_reply_error_with(client, id, "rate_limited",
							"too many requests wait for their answers", ",\"retry_after\":1");
		return;
	}
	question = be_alloc(sizeof(*question));
	*question = (BeQuestion) {
		.client = client,
		.number = client->number,
		.request = ask.request,
		.id = id ? be_copy_text(id, strlen(id)) : NULL,
	};
	append(gateway, question);
	client->questions++;
	be_link_send(&gateway->link, BE_MSG_ASK, &ask, sizeof(ask), payload, len);
}

void
be_question_metrics(BeClient *client)
{
	BeGateway  *gateway = client->gateway;
	BeAskMessage ask = {.request = ++gateway->last_request,.verb = BE_VERB_METRICS};
	BeQuestion *question = be_alloc(sizeof(*question));

	*question = (BeQuestion) {.client = client,.request = ask.request};
	append(gateway, question);
	client->questions++;
	be_link_send(&gateway->link, BE_MSG_ASK, &ask, sizeof(ask), "{}", 2);
}

static bool
may_see(const BeClient *client, const BeEvent *event)
{
	BeSpan		audience = event->field[BE_EVENT_AUDIENCE];

	return be_audience_allows(audience, be_audience_flags(audience), &client->principals);
}

static void
add_row(BeText *text, const BeClient *client, const BeEvent *event)
{
	bool		open = event->field[BE_EVENT_OPEN_PAYLOAD].len > 0 &&
		!client->principals.is_admin;
	BeSpan		payload = event->field[open ? BE_EVENT_OPEN_PAYLOAD : BE_EVENT_PAYLOAD];

	be_text_add(text, payload.data, payload.len);
}

/* Append what the client may see of the records; how many, -1: malformed. */
static int
add_rows(BeText *text, const BeClient *client, uint32_t count, BeSpan *records)
{
	BeEvent		event;
	int			seen = 0;

	for (uint32_t i = 0; i < count; i++)
	{
		if (!be_body_next_record(records, &event))
			return -1;
		if (!may_see(client, &event))
			continue;
		if (seen++ > 0)
			be_text_add_string(text, ",");
		add_row(text, client, &event);
	}
	return seen;
}

static void
report(BeClient *client, const char *id, const BeAnswerMessage *answer, BeSpan rest)
{
	char		more[64] = "";
	char	   *text = be_copy_text(rest.data, rest.len);

	if (*answer->field)
		snprintf(more, sizeof(more), ",\"field\":\"%s\"", answer->field);
	be_reply_error_with(client, id, answer->code, text, more);
	free(text);
}

/* False: malformed. */
static bool
reply_rows(BeClient *client, const char *id, const BeAnswerMessage *answer, BeSpan records)
{
	bool		single = answer->kind == BE_ANSWER_ROW;
	BeText		text = {0};
	int			seen;

	if (!single)
		be_text_add_string(&text, "{\"items\":[");
	seen = add_rows(&text, client, answer->count, &records);
	if (!single)
	{
		be_text_add_string(&text, "],\"next\":");
		if (records.len > 0)
			be_text_add_json(&text, records.data, records.len);
		else
			be_text_add_string(&text, "null");
		be_text_add_string(&text, "}");
	}
	be_text_add(&text, "", 1);

	if (single && seen == 0)
		be_reply_error(client, id, "not_found", "there is no such row, or it is not for you");
	else if (seen >= 0)
		be_reply_as_of(client, id, answer->seq, text.data);
	be_text_free(&text);
	return seen >= 0;
}

static void
reply_object(BeClient *client, const char *id, BeSpan object)
{
	char	   *text = be_copy_text(object.data, object.len);

	be_reply_ok(client, id, text);
	free(text);
}

bool
be_question_answered(BeGateway *gateway, const BeMessage *message)
{
	BeAnswerMessage answer;
	BeSpan		rest;
	BeQuestion *question;
	BeClient   *client;
	bool		fits = true;

	if (!be_body_answer(message, &answer, &rest) ||
		(question = take(gateway, answer.client, answer.request)) == NULL)
		return false;
	client = question->client;
	if (client)
	{
		client->questions--;
		if (client->state == BE_CLIENT_SCRAPING)
			be_http_metrics(client, answer.kind == BE_ANSWER_TEXT ? &rest : NULL);
		else if (answer.kind == BE_ANSWER_TEXT)
			fits = false;
		else if (answer.kind == BE_ANSWER_OBJECT)
			reply_object(client, question->id, rest);
		else if (answer.kind == BE_ANSWER_ERROR)
			report(client, question->id, &answer, rest);
		else
			fits = reply_rows(client, question->id, &answer, rest);
		be_client_flush(client);
	}
	free_question(question);
	return fits;
}

void
be_question_forget(BeClient *client)
{
	for (BeQuestion *question = client->gateway->questions_first;
		 question && client->questions > 0; question = question->next)
		if (question->client == client)
		{
			question->client = NULL;
			client->questions--;
		}
}

void
be_question_free(BeGateway *gateway)
{
	BeQuestion *question;

	while ((question = gateway->questions_first) != NULL)
	{
		gateway->questions_first = question->next;
		free_question(question);
	}
	gateway->questions_last = NULL;
}
