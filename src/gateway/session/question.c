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
#define OPEN_MAX 8

struct BevQuestion
{
	BevQuestion *next;
	BevClient *client; /* NULL: gone meanwhile */
	uint64_t number;   /* of the client */
	uint32_t request;
	char *id; /* JSON text, or NULL */
};

static void
append(BevGateway *gateway, BevQuestion *question)
{
	if (gateway->questions_last)
		gateway->questions_last->next = question;
	else
		gateway->questions_first = question;
	gateway->questions_last = question;
}

/* Take it out of the queue; NULL: there is no such question. */
static BevQuestion *
take(BevGateway *gateway, uint64_t number, uint32_t request)
{
	BevQuestion *before = NULL;
	BevQuestion *question = gateway->questions_first;

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
free_question(BevQuestion *question)
{
	free(question->id);
	free(question);
}

void
bev_question_ask(BevClient *client, const char *id, BevVerb verb, const char *payload)
{
	BevGateway *gateway = client->gateway;
	size_t len = strlen(payload);
	BevAskMessage ask = {
		.client = client->number,
		.request = ++gateway->last_request,
		.verb = verb,
	};
	BevQuestion *question;

	if (len > BEV_ASK_MAX)
	{
		bev_reply_error(client, id, "invalid_message", "the payload is too long for this request");
		return;
	}
	if (client->questions >= OPEN_MAX)
	{
		bev_reply_error_with(client, id, "rate_limited", "too many requests wait for their answers",
		                     ",\"retry_after\":1");
		return;
	}
	question = bev_alloc(sizeof(*question));
	*question = (BevQuestion){
		.client = client,
		.number = client->number,
		.request = ask.request,
		.id = id ? bev_copy_text(id, strlen(id)) : NULL,
	};
	append(gateway, question);
	client->questions++;
	bev_link_send(&gateway->link, BEV_MSG_ASK, &ask, sizeof(ask), payload, len);
}

void
bev_question_metrics(BevClient *client)
{
	BevGateway *gateway = client->gateway;
	BevAskMessage ask = {.request = ++gateway->last_request, .verb = BEV_VERB_METRICS};
	BevQuestion *question = bev_alloc(sizeof(*question));

	*question = (BevQuestion){.client = client, .request = ask.request};
	append(gateway, question);
	client->questions++;
	bev_link_send(&gateway->link, BEV_MSG_ASK, &ask, sizeof(ask), "{}", 2);
}

static bool
may_see(const BevClient *client, const BevEvent *event)
{
	BevSpan audience = event->field[BEV_EVENT_AUDIENCE];

	return bev_audience_matches(audience, bev_audience_flags(audience), &client->principals);
}

static void
add_row(BevText *text, const BevClient *client, const BevEvent *event)
{
	bool open = event->field[BEV_EVENT_OPEN_PAYLOAD].len > 0 && !client->principals.is_admin;
	BevSpan payload = event->field[open ? BEV_EVENT_OPEN_PAYLOAD : BEV_EVENT_PAYLOAD];

	bev_text_add(text, payload.data, payload.len);
}

/* Append what the client may see of the records; how many, -1: malformed. */
static int
add_rows(BevText *text, const BevClient *client, uint32_t count, BevSpan *records)
{
	BevEvent event;
	int seen = 0;

	for (uint32_t i = 0; i < count; i++)
	{
		if (!bev_body_next_record(records, &event))
			return -1;
		if (!may_see(client, &event))
			continue;
		if (seen++ > 0)
			bev_text_add_string(text, ",");
		add_row(text, client, &event);
	}
	return seen;
}

static void
report(BevClient *client, const char *id, const BevAnswerMessage *answer, BevSpan rest)
{
	char more[64] = "";
	char *text = bev_copy_text(rest.data, rest.len);

	if (*answer->field)
		snprintf(more, sizeof(more), ",\"field\":\"%s\"", answer->field);
	bev_reply_error_with(client, id, answer->code, text, more);
	free(text);
}

/* False: malformed. */
static bool
reply_rows(BevClient *client, const char *id, const BevAnswerMessage *answer, BevSpan records)
{
	bool single = answer->kind == BEV_ANSWER_ROW;
	BevText text = {0};
	int seen;

	if (!single)
		bev_text_add_string(&text, "{\"items\":[");
	seen = add_rows(&text, client, answer->count, &records);
	if (!single)
	{
		bev_text_add_string(&text, "],\"next\":");
		if (records.len > 0)
			bev_text_add_json(&text, records.data, records.len);
		else
			bev_text_add_string(&text, "null");
		bev_text_add_string(&text, "}");
	}
	bev_text_add(&text, "", 1);

	if (single && seen == 0)
		bev_reply_error(client, id, "not_found", "there is no such row, or it is not for you");
	else if (seen >= 0)
		bev_reply_as_of(client, id, answer->seq, text.data);
	bev_text_free(&text);
	return seen >= 0;
}

static void
reply_object(BevClient *client, const char *id, BevSpan object)
{
	char *text = bev_copy_text(object.data, object.len);

	bev_reply_ok(client, id, text);
	free(text);
}

bool
bev_question_answered(BevGateway *gateway, const BevMessage *message)
{
	BevAnswerMessage answer;
	BevSpan rest;
	BevQuestion *question;
	BevClient *client;
	bool fits = true;

	if (!bev_body_answer(message, &answer, &rest) ||
	    (question = take(gateway, answer.client, answer.request)) == NULL)
		return false;
	client = question->client;
	if (client)
	{
		client->questions--;
		if (client->state == BEV_CLIENT_SCRAPING)
			bev_http_metrics(client, answer.kind == BEV_ANSWER_TEXT ? &rest : NULL);
		else if (answer.kind == BEV_ANSWER_TEXT)
			fits = false;
		else if (answer.kind == BEV_ANSWER_OBJECT)
			reply_object(client, question->id, rest);
		else if (answer.kind == BEV_ANSWER_ERROR)
			report(client, question->id, &answer, rest);
		else
			fits = reply_rows(client, question->id, &answer, rest);
		bev_client_flush(client);
	}
	free_question(question);
	return fits;
}

void
bev_question_forget(BevClient *client)
{
	for (BevQuestion *question = client->gateway->questions_first;
	     question && client->questions > 0; question = question->next)
		if (question->client == client)
		{
			question->client = NULL;
			client->questions--;
		}
}

void
bev_question_free(BevGateway *gateway)
{
	BevQuestion *question;

	while ((question = gateway->questions_first) != NULL)
	{
		gateway->questions_first = question->next;
		free_question(question);
	}
	gateway->questions_last = NULL;
}
