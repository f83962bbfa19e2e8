/*
 * database_request.c - what clients ask of the database: here its form is looked at, and the
 * question goes on (session/question.h).
 */
#include "gateway/client/database_request.h"

#include "gateway/session/listing.h"
#include "gateway/session/reply.h"

#include <stdlib.h>
#include <string.h>

/* ---- get, list ---- */

/* Pass it on as it is: the other end knows what each entity has. */
static void
ask(const BevClientRequest *request, BevVerb verb)
{
	char *payload = json_dumps(request->payload, JSON_COMPACT);

	bev_question_ask(request->messages->questions, request->session, request->id, verb, payload);
	free(payload);
}

static bool
names_a_type(const BevClientRequest *request)
{
	const json_t *type = json_object_get(request->payload, "type");

	if (json_is_string(type))
		return true;
	if (type == NULL)
		bev_client_request_missing(request, "type");
	else
		bev_client_request_invalid(request, "type", "expected a string");
	return false;
}

/* The id that a request is about; NULL: it was told what is wrong. */
static const json_t *
find_id(const BevClientRequest *request, const char *field)
{
	const json_t *id = json_object_get(request->payload, field);

	if (json_is_string(id) || json_is_integer(id))
		return id;
	if (id == NULL)
		bev_client_request_missing(request, field);
	else
		bev_client_request_invalid(request, field, "expected a number or a string");
	return NULL;
}

/* A request whose payload is an id. */
static void
ask_about(const BevClientRequest *request, const char *field, BevVerb verb)
{
	if (find_id(request, field))
		ask(request, verb);
}

/* What the gateway has of a row is as the stream left it. */
static bool
reply_known_row(const BevClientRequest *request, const json_t *id)
{
	const char *type = json_string_value(json_object_get(request->payload, "type"));
	char number[32];

	if (json_is_integer(id))
		snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(id));
	return bev_state_reply_row(request->messages->states, request->session, request->id, type,
	                           json_is_integer(id) ? number : json_string_value(id));
}

void
bev_database_request_get(const BevClientRequest *request)
{
	const json_t *id;

	if (!names_a_type(request) || (id = find_id(request, "id")) == NULL)
		return;
	if (!reply_known_row(request, id))
		ask(request, BEV_VERB_GET);
}

void
bev_database_request_list(const BevClientRequest *request)
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

void
bev_database_request_read(const BevClientRequest *request)
{
	ask_about(request, "notification_id", BEV_VERB_READ);
}

void
bev_database_request_read_all(const BevClientRequest *request)
{
	bev_question_ask(request->messages->questions, request->session, request->id, BEV_VERB_READ_ALL,
	                 "{}");
}

/* What is to be watched. */
static const char *
watched_field(const BevClientRequest *request)
{
	return json_object_get(request->payload, "project_id") ? "project_id" : "bug_report_id";
}

void
bev_database_request_watch(const BevClientRequest *request)
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

void
bev_database_request_unwatch(const BevClientRequest *request)
{
	ask_about(request, watched_field(request), BEV_VERB_UNWATCH);
}

/* ---- connections, disconnect ---- */

/* A request that needs no payload. */
static void
ask_at_least(const BevClientRequest *request, BevVerb verb)
{
	if (request->payload)
		ask(request, verb);
	else
		bev_question_ask(request->messages->questions, request->session, request->id, verb, "{}");
}

void
bev_database_request_connections(const BevClientRequest *request)
{
	ask_at_least(request, BEV_VERB_CONNECTIONS);
}

void
bev_database_request_disconnect(const BevClientRequest *request)
{
	ask_about(request, "connection_id", BEV_VERB_DISCONNECT);
}

/* ---- inspect, explain, visible ---- */

void
bev_database_request_inspect(const BevClientRequest *request)
{
	ask_at_least(request, BEV_VERB_INSPECT);
}

void
bev_database_request_explain(const BevClientRequest *request)
{
	if (find_id(request, "seq"))
		ask_about(request, "user_id", BEV_VERB_EXPLAIN);
}

void
bev_database_request_visible(const BevClientRequest *request)
{
	ask_about(request, "user_id", BEV_VERB_VISIBLE);
}
