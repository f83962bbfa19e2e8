/*
 * administer.c - what admins ask for: how the server is, who is connected, why something didn't
 * arrive, and to end a connection.
 *
 * Model: the views and functions that a DBA uses, in JSON.  Who is an admin is decided here
 * (asker.c): the lower of the token's role and the tables'.
 */
#include "server/responder/administer.h"

#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "server/responder/asker.h"
#include "server/responder/parameters.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

/* A moment as events have it. */
#define UTC(column) \
	"to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS " column

static void
append_utf8(BevAnswer *answer, char *text)
{
	answer->message.kind = BEV_ANSWER_OBJECT;
	appendStringInfoString(&answer->rest, pg_server_to_any(text, strlen(text), PG_UTF8));
}

void
bev_administer_connections(const BevQuestionHead *head, const char *payload, BevAnswer *answer)
{
	Jsonb *json;
	const char *texts[1];
	char *text;
	int limit;

	if (!bev_asker_is_admin(head, answer) || (json = bev_request_read(payload, answer)) == NULL)
		return;
	if (!bev_request_text(json, "limit", &text) || !bev_request_limit(text, &limit))
	{
		bev_answer_error(answer, "invalid_field", "limit", "expected a number from 1 to 1000");
		return;
	}
	texts[0] = psprintf("%d", limit);
	bev_parameters_begin(head);
	(void) bev_parameters_run(
		"SELECT json_build_object('items', coalesce(json_agg(c), '[]')) FROM ("
		"SELECT id, gateway, user_id, role, address, " UTC("connected_at") ", " UTC(
			"expires_at") ", cursor, lag, sent, received, subscription, protocol FROM bugevents.connections AS x"
						  " ORDER BY lag DESC, x.connected_at DESC LIMIT $1::integer) AS c",
		1, texts);
	append_utf8(answer, bev_parameters_value(1));
	SPI_finish();
}

/* ---- inspect ---- */

/* What can be asked for, as a query for one JSON value; $1 is the limit, $2 the moment of since. */
static const struct
{
	const char *name;
	const char *query;
} parts[] = {
	{"metrics", "SELECT json_agg(s) FROM bugevents.stats AS s"},
	{"alerts", "SELECT json_agg(a) FROM (SELECT name, raised, " UTC(
				   "since") ", value, threshold, advice FROM bugevents.alerts) AS a"},
	{"attachments",
     "SELECT coalesce(json_agg(a), '[]') FROM (SELECT tbl::text, entity, evaluated, evaluation_ms, slowest_ms, timeouts, errors, " UTC(
		 "last_error_at") ", suspended"
                          " FROM bugevents.attachments ORDER BY evaluation_ms DESC NULLS LAST LIMIT $1::integer) AS a"},
	{"connections",
     "SELECT coalesce(json_agg(c), '[]') FROM (SELECT id, gateway, user_id, role, address, " UTC("connected_at") ", " UTC(
		 "expires_at") ", cursor, lag, sent, received, subscription, protocol,"
                       " CASE WHEN lag > 0 THEN (SELECT greatest(0, extract(epoch FROM clock_timestamp() - e.committed_at))"
                       " FROM bugevents.events(x.cursor, 1) AS e) END AS behind_seconds"
                       " FROM bugevents.connections AS x ORDER BY lag DESC, x.connected_at DESC LIMIT $1::integer) AS c"},
	{"samples",
     "SELECT coalesce(json_agg(s), '[]') FROM (SELECT " UTC(
		 "at") ", connections, lagging, queue_bytes, journal_bytes, projector_lag, waiting, dead,"
               " captured, delivered, bytes_sent, errors, overflows, delays FROM bugevents.samples AS x"
               " WHERE $2 IS NULL OR x.at > $2::timestamptz ORDER BY x.at) AS s"},
};

static const char *
query_of(const char *name, int len)
{
	for (int i = 0; i < (int) lengthof(parts); i++)
		if (strlen(parts[i].name) == (size_t) len && strncmp(parts[i].name, name, len) == 0)
			return parts[i].query;
	return NULL;
}

/* The names in a list of the payload, in their order; NIL: it isn't one, or has others. */
static List *
read_parts(Jsonb *json)
{
	JsonbValue *list = getKeyJsonValueFromContainer(&json->root, "parts", 5, NULL);
	List *names = NIL;

	if (list == NULL || list->type != jbvBinary || !JsonContainerIsArray(list->val.binary.data))
		return NIL;
	for (uint32 i = 0; i < JsonContainerSize(list->val.binary.data); i++)
	{
		JsonbValue *name = getIthJsonbValueFromContainer(list->val.binary.data, i);

		if (name->type != jbvString || !query_of(name->val.string.val, name->val.string.len))
			return NIL;
		names = list_append_unique_ptr(
			names, (void *) query_of(name->val.string.val, name->val.string.len));
	}
	return names;
}

static const char *
name_of(const char *query)
{
	for (int i = 0; i < (int) lengthof(parts); i++)
		if (parts[i].query == query)
			return parts[i].name;
	return NULL;
}

/* A moment that the database can read; NULL is one. */
static bool
is_moment(const char *text)
{
	return text == NULL || (strlen(text) < 40 && strspn(text, "0123456789-:.TZ+") == strlen(text) &&
	                        *text >= '0' && *text <= '9');
}

static void
answer_parts(const BevQuestionHead *head, List *queries, const char *const *texts,
             BevAnswer *answer)
{
	const char *ahead = "{";
	ListCell *cell;

	bev_parameters_begin(head);
	foreach (cell, queries)
	{
		const char *query = lfirst(cell);

		(void) bev_parameters_run(query, 2, texts);
		append_utf8(answer, psprintf("%s\"%s\":", ahead, name_of(query)));
		append_utf8(answer, bev_parameters_value(1));
		ahead = ",";
	}
	append_utf8(answer, "}");
	SPI_finish();
}

void
bev_administer_inspect(const BevQuestionHead *head, const char *payload, BevAnswer *answer)
{
	static const char *const known[] = {"parts", "limit", "since", NULL};
	Jsonb *json;
	const char *texts[2];
	List *queries;
	char *limit_text;
	char *since;
	int limit;

	if (!bev_asker_is_admin(head, answer) || (json = bev_request_read(payload, answer)) == NULL ||
	    !bev_request_has_only(json, known, answer))
		return;
	if ((queries = read_parts(json)) == NIL)
		bev_answer_error(answer, "invalid_field", "parts",
		                 "expected a list of metrics, alerts, attachments, connections, samples");
	else if (!bev_request_text(json, "limit", &limit_text) ||
	         !bev_request_limit(limit_text, &limit))
		bev_answer_error(answer, "invalid_field", "limit", "expected a number from 1 to 1000");
	else if (!bev_request_text(json, "since", &since) || !is_moment(since))
		bev_answer_error(answer, "invalid_field", "since", "expected a moment");
	else
	{
		texts[0] = psprintf("%d", limit);
		texts[1] = since;
		answer_parts(head, queries, texts, answer);
	}
}

/* ---- explain, visible ---- */

/* As a bigint, which begins at 1; false: it is none. */
static bool
is_seq(const char *text)
{
	return *text >= '1' && *text <= '9' && strlen(text) <= 18 &&
	       strspn(text, "0123456789") == strlen(text);
}

void
bev_administer_explain(const BevQuestionHead *head, const char *payload, BevAnswer *answer)
{
	Jsonb *json;
	const char *texts[2];

	if (!bev_asker_is_admin(head, answer) || (json = bev_request_read(payload, answer)) == NULL ||
	    (texts[0] = bev_request_id(json, "seq", answer)) == NULL ||
	    (texts[1] = bev_request_id(json, "user_id", answer)) == NULL)
		return;
	if (!is_seq(texts[0]))
	{
		bev_answer_error(answer, "invalid_field", "seq", "expected a seq");
		return;
	}
	bev_parameters_begin(head);
	(void) bev_parameters_run("SELECT json_build_object('items', coalesce(json_agg(e), '[]'))"
	                          " FROM bugevents.explain_delivery($1::bigint, $2) AS e",
	                          2, texts);
	append_utf8(answer, bev_parameters_value(1));
	SPI_finish();
}

#define VISIBLE_MAX 200 /* what BEV_ASK_MAX has room for */

/* The seqs as an array's text; NULL: they aren't a list of seqs. */
static char *
read_seqs(Jsonb *json)
{
	JsonbValue *list = getKeyJsonValueFromContainer(&json->root, "seqs", 4, NULL);
	StringInfoData out;

	if (list == NULL || list->type != jbvBinary || !JsonContainerIsArray(list->val.binary.data) ||
	    JsonContainerSize(list->val.binary.data) > VISIBLE_MAX)
		return NULL;
	initStringInfo(&out);
	for (uint32 i = 0; i < JsonContainerSize(list->val.binary.data); i++)
	{
		JsonbValue *seq = getIthJsonbValueFromContainer(list->val.binary.data, i);
		char *text = seq->type == jbvNumeric ?
		                 DatumGetCString(
							 DirectFunctionCall1(numeric_out, NumericGetDatum(seq->val.numeric))) :
		                 NULL;

		if (text == NULL || !is_seq(text))
			return NULL;
		appendStringInfo(&out, "%c%s", i ? ',' : '{', text);
	}
	appendStringInfoString(&out, out.len ? "}" : "{}");
	return out.data;
}

void
bev_administer_visible(const BevQuestionHead *head, const char *payload, BevAnswer *answer)
{
	Jsonb *json;
	const char *texts[2];

	if (!bev_asker_is_admin(head, answer) || (json = bev_request_read(payload, answer)) == NULL ||
	    (texts[0] = bev_request_id(json, "user_id", answer)) == NULL)
		return;
	if ((texts[1] = read_seqs(json)) == NULL)
	{
		bev_answer_error(answer, "invalid_field", "seqs", "expected a list of at most 200 seqs");
		return;
	}
	bev_parameters_begin(head);
	(void) bev_parameters_run("SELECT json_build_object('items', coalesce(json_agg(v), '[]'))"
	                          " FROM bugevents.explain_visibility($1, $2::bigint[]) AS v",
	                          2, texts);
	append_utf8(answer, bev_parameters_value(1));
	SPI_finish();
}

/* ---- disconnect ---- */

void
bev_administer_disconnect(const BevQuestionHead *head, const char *payload, BevAnswer *answer)
{
	Jsonb *json;
	const char *texts[1];

	if (!bev_asker_is_admin(head, answer) || (json = bev_request_read(payload, answer)) == NULL ||
	    (texts[0] = bev_request_id(json, "connection_id", answer)) == NULL)
		return;
	bev_parameters_begin(head);
	(void) bev_parameters_run("SELECT bugevents.disconnect($1)", 1, texts);
	if (strcmp(bev_parameters_value(1), "t") == 0)
		append_utf8(answer, "{\"disconnected\":true}");
	else
		bev_answer_error(answer, "not_found", "", "there is no such connection");
	SPI_finish();
}
