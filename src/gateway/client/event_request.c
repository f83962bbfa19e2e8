/*
 * event_request.c - what a GET /events asks for; and of a WebSocket's handshake, from where.
 *
 *	since, stream			a position, as Last-Event-ID, which counts more: STREAM:SEQ
 *	since_time				a moment, in place of a position
 *	types, actions,			lists between commas, as in subscribe
 *	project_ids,
 *	bug_report_ids
 *	filter					a subscribe payload in JSON, in their place
 *	conflate				true: of each row the last state is enough, where it lags
 *	wait					seconds until an answer in JSON without events
 *
 * Failure: what isn't known is refused: a misspelt filter would widen the stream without a word.
 */
#include "gateway/client/event_request.h"
#include "common/program/memory.h"
#include "gateway/stream/subscription_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest parameter; the head isn't much longer. */
#define VALUE_MAX 8192

static const char *const lists[] = {"types", "actions", "project_ids", "bug_report_ids"};

#define LISTS (sizeof(lists) / sizeof(lists[0]))

static void
fail(BevClient *client, const char *field, const char *message)
{
	if (client->fault)
		return;
	snprintf(client->fault_field, sizeof(client->fault_field), "%s", field);
	client->fault = message;
}

/* A parameter's text; NULL: it isn't there, or is none. */
static const char *
read_text(BevClient *client, const BevHead *head, const char *name, char value[VALUE_MAX])
{
	int len = bev_head_parameter(head, name, value, VALUE_MAX);

	if (len == -2)
		fail(client, name, "it is there twice, malformed or too long");
	return len > 0 ? value : NULL;
}

/* ---- From where ---- */

static void
read_last_id(BevClient *client, BevSpan id)
{
	uint32_t at = id.len;

	while (at > 0 && id.data[at - 1] != ':')
		at--;
	client->since = bev_copy_text(id.data + at, id.len - at);
	client->since_stream = bev_copy_text(id.data, at > 0 ? at - 1 : 0);
}

/* As it is; what is none is answered by resync_required. */
static char *
copy_parameter(const BevHead *head, const char *name)
{
	char text[64];
	int len = bev_head_parameter(head, name, text, sizeof(text));

	if (len == -1)
		return NULL;
	return bev_copy_text(text, len < 0 ? 0 : (size_t) len);
}

static void
read_time(BevClient *client, const BevHead *head)
{
	char text[64];
	int len = bev_head_parameter(head, "since_time", text, sizeof(text));

	if (len == -1)
		return;
	client->asks_time = true;
	if (len == -2 || !bev_time_read(text, &client->since_time))
		fail(client, "since_time", "expected a moment such as 2026-01-31T12:00:00Z");
}

void
bev_event_request_read_position(BevClient *client, const BevHead *head)
{
	client->since = copy_parameter(head, "since");
	client->since_stream = copy_parameter(head, "stream");
	if (client->since == NULL)
		read_time(client, head);
}

/* ---- Which ---- */

/* "a,b" as ["a","b"]. */
static json_t *
split(const char *text)
{
	json_t *list = json_array();

	for (;;)
	{
		size_t len = strcspn(text, ",");

		json_array_append_new(list, json_stringn(text, len));
		if (text[len] == '\0')
			return list;
		text += len + 1;
	}
}

/* What is asked for as a subscribe payload; NULL: the fault says why not. */
static json_t *
read_payload(BevClient *client, const BevHead *head)
{
	char value[VALUE_MAX];
	const char *text = read_text(client, head, "filter", value);
	json_t *payload = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : json_object();

	if (!json_is_object(payload))
	{
		fail(client, "filter", "expected a JSON object as subscribe has it, encoded for a URL");
		json_decref(payload);
		return NULL;
	}
	for (size_t i = 0; i < LISTS; i++)
	{
		if ((text = read_text(client, head, lists[i], value)) == NULL)
			continue;
		if (json_object_get(payload, lists[i]))
			fail(client, lists[i], "it is in filter, too");
		json_object_set_new(payload, lists[i], split(text));
	}
	return payload;
}

static void
read_filters(BevClient *client, const BevHead *head)
{
	static const char *const others[] = {"conflate", NULL};
	json_t *payload = read_payload(client, head);
	const json_t *conflate = json_object_get(payload, "conflate");
	BevSubscriptionFault fault;

	if (payload == NULL)
		return;
	if (!bev_subscription_read(payload, others, &client->wanted, &fault))
		fail(client, fault.field, fault.message);
	if (conflate && !json_is_boolean(conflate))
		fail(client, "conflate", "expected true or false");
	client->conflates = json_is_true(conflate);
	json_decref(payload);
}

/* ---- How ---- */

static void
read_wait(BevClient *client, const BevHead *head)
{
	char value[VALUE_MAX];
	const char *text = read_text(client, head, "wait", value);
	size_t len = text ? strspn(text, "0123456789") : 0;

	if (text == NULL)
		return;
	if (text[len] != '\0' || len > 2 || atoi(text) > BEV_EVENTS_WAIT_MAX)
		fail(client, "wait", "expected a number of seconds, from 0 to 60");
	else
		client->session.http->wait = (uint64_t) atoi(text) * 1000;
}

static void
read_conflate(BevClient *client, const BevHead *head)
{
	char value[VALUE_MAX];
	const char *text = read_text(client, head, "conflate", value);

	if (text == NULL)
		return;
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		fail(client, "conflate", "expected true or false");
	client->conflates = strcmp(text, "true") == 0;
}

static void
check_names(BevClient *client, const BevHead *head)
{
	static const char *const known[] = {
		"since",  "stream", "since_time", "types", "actions",      "project_ids", "bug_report_ids",
		"filter", "wait",   "conflate",   "token", "access_token", NULL};
	char name[sizeof(client->fault_field)];

	if (!bev_head_unknown_parameter(head, known, name, sizeof(name)))
		return;
	if (strspn(name, "abcdefghijklmnopqrstuvwxyz_") != strlen(name))
		strcpy(name, "query");
	fail(client, name, "there is no such parameter");
}

bool
bev_event_request_is_one(const BevHead *head)
{
	return bev_span_is(head->path, "/events") && bev_span_is(head->method, "GET");
}

void
bev_event_request_read(BevClient *client, const BevHead *head, const char *allowed_origins)
{
	BevSpan none = {0};

	client->session.http =
		bev_http_stream_create(bev_head_wants_sse(head) ? BEV_FORM_SSE : BEV_FORM_JSON,
	                           bev_origin_allowed(head, allowed_origins) ? head->origin : none);
	client->session.heard_all = true;
	check_names(client, head);
	if (head->last_id.len > 0)
		read_last_id(client, head->last_id);
	else
		bev_event_request_read_position(client, head);
	read_filters(client, head);
	read_wait(client, head);
	read_conflate(client, head);
}
