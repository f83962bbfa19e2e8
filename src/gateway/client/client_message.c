/*
 * client_message.c - what clients ask for.
 *
 * Not here: what needs the database, beyond a look at its form (question.h).
 */
#include "gateway/client/client_message.h"
#include "common/pipe/body.h"
#include "common/program/text.h"
#include "gateway/session/listing.h"
#include "gateway/session/reply.h"
#include "gateway/stream/subscription_reader.h"
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

typedef struct Request
{
	const BevClientMessages *messages;
	BevSession *session;
	const char *id;        /* JSON text, or NULL */
	const json_t *payload; /* an object, or NULL */
} Request;

static void
invalid_field(const Request *request, const char *field, const char *message)
{
	char more[96];

	snprintf(more, sizeof(more), ",\"field\":\"%s\"", field);
	bev_reply_error_with(request->session, request->id, "invalid_field", message, more);
}

static void
missing_field(const Request *request, const char *field)
{
	char more[96];

	snprintf(more, sizeof(more), ",\"field\":\"%s\"", field);
	bev_reply_error_with(request->session, request->id, "missing_field",
	                     "a required field is missing", more);
}

/* ---- subscribe ---- */

static void
reply_position(const Request *request)
{
	char payload[48];

	snprintf(payload, sizeof(payload), "{\"seq\":%" PRIu64 "}",
	         bev_session_position(request->session));
	bev_reply_ok(request->session, request->id, payload);
}

/* What was under way for the subscription before ends. */
static void
end_state(const Request *request)
{
	bev_state_end(request->messages->states, request->session);
}

/* Rows are those of types, each of which is read; a client has to say which. */
static void
use_subscription(const Request *request, BevSubscription *subscription, bool conflate)
{
	BevSession *session = request->session;

	end_state(request);
	bev_fanout_subscribe(request->messages->fanout, session, subscription);
	session->muted = false;
	session->subscription_changed = true;
	bev_fanout_conflate(request->messages->fanout, session, conflate);
	reply_position(request);
}

/* A member that is true or false, false when it isn't there; false: it is something else. */
static bool
read_flag(const Request *request, const char *name, bool *flag)
{
	const json_t *value = json_object_get(request->payload, name);

	*flag = json_is_true(value);
	if (value == NULL || json_is_boolean(value))
		return true;
	invalid_field(request, name, "expected true or false");
	return false;
}

/* Of a list, or, for true, of the subscription; false: it is no list of types. */
static bool
read_types(const json_t *state, const BevSubscription *subscription, BevAskedTypes *types)
{
	*types = (BevAskedTypes){.are_some = json_is_array(state)};
	if (json_is_true(state))
		*types = bev_asked_types_of(subscription);
	for (size_t i = 0; i < json_array_size(state); i++)
	{
		const json_t *type = json_array_get(state, i);

		if (!json_is_string(type) ||
		    !bev_text_is_line(json_string_value(type), json_string_length(type)))
			return false;
		bev_asked_types_add(types, json_string_value(type));
	}
	return !types->are_some || (types->count >= 1 && types->count <= BEV_ASKED_TYPES_MAX);
}

/* The types whose rows are wanted first, if any are.  False: that is malformed, and was said. */
static bool
read_state(const Request *request, const BevSubscription *subscription, BevAskedTypes *types)
{
	const json_t *state = json_object_get(request->payload, "state");

	if ((state && !json_is_boolean(state) && !json_is_array(state)) ||
	    !read_types(state, subscription, types))
		invalid_field(request, "state", "expected true, false or a list of 1 to 16 types");
	else if (json_is_true(state) && types->count == 0)
		missing_field(request, "types");
	else if (types->count > BEV_ASKED_TYPES_MAX)
		invalid_field(request, "types", "these are too many types for a state");
	else
		return true;
	return false;
}

static void
answer_subscribe(const Request *request)
{
	static const char *const others[] = {"conflate", "state", NULL};
	BevSubscription *subscription;
	BevSubscriptionFault fault;
	BevAskedTypes types;
	bool conflate;

	if (!bev_subscription_read(request->payload, others, &subscription, &fault))
	{
		invalid_field(request, fault.field, fault.message);
		return;
	}
	if (!read_flag(request, "conflate", &conflate) || !read_state(request, subscription, &types))
		bev_subscription_free(subscription);
	else if (types.count > 0)
	{
		end_state(request);
		bev_state_ask(request->messages->states, request->session, request->id, subscription,
		              conflate, &types);
	}
	else
		use_subscription(request, subscription, conflate);
}

static void
answer_unsubscribe(const Request *request)
{
	BevSession *session = request->session;

	end_state(request);
	session->muted = true;
	session->subscription_changed = true;
	bev_fanout_place(request->messages->fanout, session, session->sessions->sent_tip);
	reply_position(request);
}

/* ---- ping, authenticate ---- */

static void
answer_ping(const Request *request)
{
	char payload[64];

	snprintf(payload, sizeof(payload), "{\"pong\":true,\"seq\":%" PRIu64 "}",
	         request->session->sessions->sent_tip);
	bev_reply_ok(request->session, request->id, payload);
}

static void
reply_identity(const Request *request)
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
	Request request = {.messages = messages, .session = session, .id = id};
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
	reply_identity(&request);
	return true;
}

static void
show_token(const Request *request, const char *token)
{
	if (!bev_question_token(request->messages->questions, request->session, request->id,
	                        BEV_TOKEN_RENEWS, token, on_token, (void *) request->messages))
		bev_reply_rate_limited(request->session, request->id, 1,
		                       "too many requests wait for their answers");
}

static void
answer_authenticate(const Request *request)
{
	const json_t *token = json_object_get(request->payload, "token");
	double wait;

	if (token == NULL)
	{
		missing_field(request, "token");
		return;
	}
	if (!json_is_string(token))
	{
		invalid_field(request, "token", "expected a string");
		return;
	}
	wait = bev_token_check_wait(request->messages->tokens, request->session);
	if (wait > 0)
		bev_reply_rate_limited(request->session, request->id, wait, BEV_ATTEMPTS_REFUSED);
	else
		show_token(request, json_string_value(token));
}

/* ---- get, list ---- */

/* Pass it on as it is: the other end knows what each entity has. */
static void
ask(const Request *request, BevVerb verb)
{
	char *payload = json_dumps(request->payload, JSON_COMPACT);

	bev_question_ask(request->messages->questions, request->session, request->id, verb, payload);
	free(payload);
}

static bool
names_a_type(const Request *request)
{
	const json_t *type = json_object_get(request->payload, "type");

	if (json_is_string(type))
		return true;
	if (type == NULL)
		missing_field(request, "type");
	else
		invalid_field(request, "type", "expected a string");
	return false;
}

/* The id that a request is about; NULL: it was told what is wrong. */
static const json_t *
find_id(const Request *request, const char *field)
{
	const json_t *id = json_object_get(request->payload, field);

	if (json_is_string(id) || json_is_integer(id))
		return id;
	if (id == NULL)
		missing_field(request, field);
	else
		invalid_field(request, field, "expected a number or a string");
	return NULL;
}

/* A request whose payload is an id. */
static void
ask_about(const Request *request, const char *field, BevVerb verb)
{
	if (find_id(request, field))
		ask(request, verb);
}

/* What the gateway has of a row is as the stream left it. */
static bool
reply_known_row(const Request *request, const json_t *id)
{
	const char *type = json_string_value(json_object_get(request->payload, "type"));
	char number[32];

	if (json_is_integer(id))
		snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(id));
	return bev_state_reply_row(request->messages->states, request->session, request->id, type,
	                           json_is_integer(id) ? number : json_string_value(id));
}

static void
answer_get(const Request *request)
{
	const json_t *id;

	if (!names_a_type(request) || (id = find_id(request, "id")) == NULL)
		return;
	if (!reply_known_row(request, id))
		ask(request, BEV_VERB_GET);
}

static void
answer_list(const Request *request)
{
	if (!names_a_type(request))
		return;
	bev_listing_ask(
		request->messages->questions, request->session, request->id,
		strcmp(json_string_value(json_object_get(request->payload, "type")), "notification") == 0 ?
			BEV_VERB_NOTIFICATIONS :
			BEV_VERB_LIST,
		request->payload);
}

/* ---- read, watch ---- */

static void
answer_read(const Request *request)
{
	ask_about(request, "notification_id", BEV_VERB_READ);
}

static void
answer_read_all(const Request *request)
{
	bev_question_ask(request->messages->questions, request->session, request->id, BEV_VERB_READ_ALL,
	                 "{}");
}

/* What is to be watched. */
static const char *
watched_field(const Request *request)
{
	return json_object_get(request->payload, "project_id") ? "project_id" : "bug_report_id";
}

static void
answer_watch(const Request *request)
{
	const char *field = watched_field(request);
	const json_t *id = find_id(request, field);
	json_t *get;
	char *payload;

	if (id == NULL)
		return;
	get = json_pack("{s:s,s:O}", "type", *field == 'p' ? "project" : "bug_report", "id", id);
	payload = json_dumps(get, JSON_COMPACT);
	bev_question_watch(request->messages->questions, request->session, request->id, payload);
	free(payload);
	json_decref(get);
}

static void
answer_unwatch(const Request *request)
{
	ask_about(request, watched_field(request), BEV_VERB_UNWATCH);
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
answer_wait(const Request *request)
{
	const json_t *value = json_object_get(request->payload, "seq");
	uint64_t seq;

	if (value == NULL)
		missing_field(request, "seq");
	else if (!read_seq(value, &seq))
		invalid_field(request, "seq", "expected a seq, as a number or a string");
	else if (!bev_position_wait_add(&request->messages->fanout->waits, request->session,
	                                request->id, seq,
	                                request->messages->config->connection_timeout))
		bev_reply_rate_limited(request->session, request->id, 1,
		                       "too many requests wait for their answers");
}

/* ---- connections, disconnect ---- */

/* A request that needs no payload. */
static void
ask_at_least(const Request *request, BevVerb verb)
{
	if (request->payload)
		ask(request, verb);
	else
		bev_question_ask(request->messages->questions, request->session, request->id, verb, "{}");
}

static void
answer_connections(const Request *request)
{
	ask_at_least(request, BEV_VERB_CONNECTIONS);
}

static void
answer_disconnect(const Request *request)
{
	ask_about(request, "connection_id", BEV_VERB_DISCONNECT);
}

/* ---- inspect, explain, visible ---- */

static void
answer_inspect(const Request *request)
{
	ask_at_least(request, BEV_VERB_INSPECT);
}

static void
answer_explain(const Request *request)
{
	if (find_id(request, "seq"))
		ask_about(request, "user_id", BEV_VERB_EXPLAIN);
}

static void
answer_visible(const Request *request)
{
	ask_about(request, "user_id", BEV_VERB_VISIBLE);
}

/* ---- Any request ---- */

typedef struct Type
{
	const char *name;
	void (*answer)(const Request *request);
} Type;

static const Type types[] = {
	{"subscribe", answer_subscribe},
	{"unsubscribe", answer_unsubscribe},
	{"ping", answer_ping},
	{"authenticate", answer_authenticate},
	{"get", answer_get},
	{"list", answer_list},
	{"read", answer_read},
	{"read_all", answer_read_all},
	{"watch", answer_watch},
	{"unwatch", answer_unwatch},
	{"wait", answer_wait},
	{"connections", answer_connections},
	{"disconnect", answer_disconnect},
	{"inspect", answer_inspect},
	{"explain", answer_explain},
	{"visible", answer_visible},
};

static void
answer_type(const json_t *message, Request *request)
{
	const json_t *type = json_object_get(message, "type");
	const json_t *payload = json_object_get(message, "payload");

	if (type == NULL)
	{
		missing_field(request, "type");
		return;
	}
	if (!json_is_string(type))
	{
		invalid_field(request, "type", "expected a string");
		return;
	}
	if (payload && !json_is_null(payload) && !json_is_object(payload))
	{
		invalid_field(request, "payload", "expected an object");
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
	Request request = {.messages = messages, .session = session};
	char *text = NULL;

	/* Only what is short and has no parts is worth an echo. */
	if (json_is_string(id) || json_is_number(id))
		text = json_dumps(id, JSON_ENCODE_ANY | JSON_COMPACT);
	if (text && strlen(text) <= ID_MAX)
		request.id = text;
	if (id && !json_is_null(id) && request.id == NULL)
		invalid_field(&request, "id", "expected a string or a number of at most 256 bytes");
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
