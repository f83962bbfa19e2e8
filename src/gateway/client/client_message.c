/*
 * client_message.c - what clients ask for: reads a message, and finds who answers it.
 *
 * Not here: subscriptions (subscribe_request.c), and what needs the database (database_request.c).
 */
#include "gateway/client/client_message.h"
#include "gateway/client/database_request.h"
#include "gateway/client/subscribe_request.h"
#include "common/pipe/body.h"
#include "common/program/text.h"
#include "gateway/session/reply.h"
#include "gateway/wire/frame.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/*
 * Refused messages after which a client is taken for an attacker.  One that passes takes
 * one back, so that who waits is none, and who goes on at twice the rate or more is, though
 * some of its messages pass.
 */
#define REFUSALS_MAX 20

/* The longest id that is echoed, as JSON text. */
#define ID_MAX 256

/* Nesting that a request can need is three; jansson itself would allow 2048. */
#define DEPTH_MAX 16

/* ---- ping, authenticate ---- */

static void
answer_ping(const BevClientRequest *request)
{
	char payload[64];

	snprintf(payload, sizeof(payload), "{\"pong\":true,\"seq\":%" PRIu64 "}",
	         request->session->sessions->sent_tip);
	bev_reply_ok(request->session, request->id, payload);
}

static void
reply_identity(const BevClientRequest *request)
{
	const BevSession *session = request->session;
	BevText payload = {0};
	char expires[BEV_TIME_LEN + 1];

	bev_time_format(expires, session->expires_at * 1000000);
	bev_text_add_string(&payload, "{\"user_id\":");
	bev_text_add_json(&payload, session->user_id, strlen(session->user_id));
	bev_text_add_string(&payload, ",\"role\":");
	bev_text_add_json(&payload, session->role, strlen(session->role));
	bev_text_printf(&payload, ",\"expires_at\":\"%s\"}", expires);
	bev_text_add(&payload, "", 1);
	bev_reply_ok(request->session, request->id, payload.data);
	bev_text_free(&payload);
}

static void
note_refused_token(const BevClientMessages *messages, BevSession *session, const char *code)
{
	if (strcmp(code, "forbidden") == 0)
		bev_session_abuse(session, BEV_COUNT_ABUSE_other_user);
	else if (strcmp(code, "invalid_token") == 0 || strcmp(code, "token_expired") == 0)
		bev_token_check_failed(messages->tokens, session, strcmp(code, "token_expired") == 0);
}

/* What became of a token that the session's own should be replaced by. */
static bool
on_token(BevQuestions *questions __attribute__((unused)), BevSession *session, const char *id,
         const BevAnswerMessage *answer, BevSpan rest, void **state)
{
	const BevClientMessages *messages = *state;
	BevClientRequest request = {.messages = messages, .session = session, .id = id};
	BevGrant grant;
	BevSpan projects;

	if (answer->kind == BEV_ANSWER_ERROR)
	{
		note_refused_token(messages, session, answer->code);
		bev_question_report(session, id, answer, rest);
		return true;
	}
	if (answer->kind != BEV_ANSWER_GRANT || !bev_body_read_grant(rest, &grant, &projects))
		return false;
	if (bev_session_identify(session, &grant, projects))
		bev_registration_tell_role(messages->registrations, session);
	bev_fanout_release_one(messages->fanout, session);
	reply_identity(&request);
	return true;
}

static void
show_token(const BevClientRequest *request, const char *token)
{
	if (!bev_question_token(request->messages->questions, request->session, request->id,
	                        BEV_TOKEN_RENEWS, token, on_token, (void *) request->messages))
		bev_reply_rate_limited(request->session, request->id, 1,
		                       "too many requests wait for their answers");
}

static void
answer_authenticate(const BevClientRequest *request)
{
	const json_t *token = json_object_get(request->payload, "token");
	double wait;

	if (token == NULL)
	{
		bev_client_request_missing(request, "token");
		return;
	}
	if (!json_is_string(token))
	{
		bev_client_request_invalid(request, "token", "expected a string");
		return;
	}
	wait = bev_token_check_wait(request->messages->tokens, request->session);
	if (wait > 0)
		bev_reply_rate_limited(request->session, request->id, wait, BEV_ATTEMPTS_REFUSED);
	else
		show_token(request, json_string_value(token));
}

/* ---- wait ---- */

/* A seq as a number, or as text from those whose numbers end at 2^53. */
static bool
read_seq(const json_t *value, uint64_t *seq)
{
	const char *text = json_string_value(value);

	if (json_is_integer(value))
		*seq = (uint64_t) json_integer_value(value);
	else if (text && *text && strlen(text) <= 18 && strspn(text, "0123456789") == strlen(text))
		*seq = strtoull(text, NULL, 10);
	else
		return false;
	return *seq <= INT64_MAX;
}

static void
answer_wait(const BevClientRequest *request)
{
	const json_t *value = json_object_get(request->payload, "seq");
	uint64_t seq;

	if (value == NULL)
		bev_client_request_missing(request, "seq");
	else if (!read_seq(value, &seq))
		bev_client_request_invalid(request, "seq", "expected a seq, as a number or a string");
	else if (!bev_position_wait_add(&request->messages->fanout->waits, request->session,
	                                request->id, seq,
	                                request->messages->config->connection_timeout))
		bev_reply_rate_limited(request->session, request->id, 1,
		                       "too many requests wait for their answers");
}

/* ---- Any request ---- */

typedef struct Type
{
	const char *name;
	void (*answer)(const BevClientRequest *request);
} Type;

static const Type types[] = {
	{"subscribe", bev_subscribe_request_answer},
	{"unsubscribe", bev_subscribe_request_end},
	{"ping", answer_ping},
	{"authenticate", answer_authenticate},
	{"get", bev_database_request_get},
	{"list", bev_database_request_list},
	{"read", bev_database_request_read},
	{"read_all", bev_database_request_read_all},
	{"watch", bev_database_request_watch},
	{"unwatch", bev_database_request_unwatch},
	{"wait", answer_wait},
	{"connections", bev_database_request_connections},
	{"disconnect", bev_database_request_disconnect},
	{"inspect", bev_database_request_inspect},
	{"explain", bev_database_request_explain},
	{"visible", bev_database_request_visible},
};

static void
answer_type(const json_t *message, BevClientRequest *request)
{
	const json_t *type = json_object_get(message, "type");
	const json_t *payload = json_object_get(message, "payload");

	if (type == NULL)
	{
		bev_client_request_missing(request, "type");
		return;
	}
	if (!json_is_string(type))
	{
		bev_client_request_invalid(request, "type", "expected a string");
		return;
	}
	if (payload && !json_is_null(payload) && !json_is_object(payload))
	{
		bev_client_request_invalid(request, "payload", "expected an object");
		return;
	}
	request->payload = json_is_object(payload) ? payload : NULL;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, json_string_value(type)) == 0)
		{
			types[i].answer(request);
			return;
		}
	bev_reply_error(request->session, request->id, "unknown_type",
	                "there is no request of this type");
}

static void
answer_message(const BevClientMessages *messages, BevSession *session, const json_t *message)
{
	const json_t *id = json_object_get(message, "id");
	BevClientRequest request = {.messages = messages, .session = session};
	char *text = NULL;

	/* Only what is short and has no parts is worth an echo. */
	if (json_is_string(id) || json_is_number(id))
		text = json_dumps(id, JSON_ENCODE_ANY | JSON_COMPACT);
	if (text && strlen(text) <= ID_MAX)
		request.id = text;
	if (id && !json_is_null(id) && request.id == NULL)
		bev_client_request_invalid(&request, "id",
		                           "expected a string or a number of at most 256 bytes");
	else
		answer_type(message, &request);
	free(text);
}

/*
 * Does it nest deeper than any request?  Looked at before parsing, since the
 * parser recurses.
 */
static bool
is_too_deep(const char *text, size_t len)
{
	bool in_string = false;
	int depth = 0;

	for (size_t i = 0; i < len; i++)
	{
		char c = text[i];

		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '{' || c == '['))
		{
			if (++depth > DEPTH_MAX)
				return true;
		}
		else if (!in_string && (c == '}' || c == ']'))
			depth--;
	}
	return false;
}

/* False: it has had its share; it was told, or is being closed. */
static bool
within_rate(const BevClientMessages *messages, BevClient *client)
{
	BevSession *session = &client->session;
	double wait =
		bev_bucket_take(&client->bucket, messages->config->message_rate, bev_session_now(session));

	if (wait == 0)
	{
		client->refusals -= client->refusals > 0;
		return true;
	}
	if (++client->refusals > REFUSALS_MAX)
	{
		bev_session_abuse(session, BEV_COUNT_ABUSE_too_many_messages);
		bev_reply_refuse(session, BEV_CLOSE_POLICY, "rate_limited",
		                 "too many messages, again and again");
		return false;
	}
	bev_reply_rate_limited(session, NULL, wait, "too many messages");
	return false;
}

/* What is wrong with a text that can't be read as JSON. */
static const char *
why_unreadable(const json_error_t *error)
{
	switch (json_error_code(error))
	{
		case json_error_null_character:
		case json_error_null_byte_in_key:
			return "the message has a \\u0000, which no text may have";
		case json_error_duplicate_key:
			return "the message has a member twice";
		case json_error_numeric_overflow:
			return "the message has a number beyond 64 bits";
		default:
			return "the message is not valid JSON";
	}
}

void
bev_client_message_answer(const BevClientMessages *messages, BevClient *client, const char *text,
                          size_t len)
{
	const char *wrong = "the message is not a JSON object";
	json_t *message = NULL;
	json_error_t error;

	if (!within_rate(messages, client))
		return;
	if (is_too_deep(text, len))
		wrong = "the message nests deeper than 16 levels";
	else if ((message = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error)) ==
	         NULL)
		wrong = why_unreadable(&error);
	if (json_is_object(message))
		answer_message(messages, &client->session, message);
	else
		bev_reply_error(&client->session, NULL, "invalid_message", wrong);
	json_decref(message);
}
