/*
 * user_requests.c - what users ask for themselves: their notifications, what they watch.
 *
 * Model: they may write, as the user who asks: bugevents.actor says so to whatever is
 * captured.  Who isn't let in any more is refused (asker.c).  The rows of a list are records, as
 * those of other tables' are, so the gateway judges them by the same rule.
 */
#include "server/responder/user_requests.h"

#include "server/capture/system_row.h"
#include "server/responder/asker.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "server/responder/row_fetch.h"
#include "server/responder/parameters.h"

#define UNREAD_MAX "1000" /* counted so far */

/* ---- notifications ---- */

/* The place behind a row. */
static char *
position_of(uint64 row)
{
	TupleDesc desc = SPI_tuptable->tupdesc;
	HeapTuple tuple = SPI_tuptable->vals[row];
	bool isnull;
	Datum at = SPI_getbinval(tuple, desc, SPI_fnumber(desc, "updated_at"), &isnull);

	return psprintf(INT64_FORMAT ".%s", DatumGetTimestampTz(at) - SetEpochTimestamp(),
	                SPI_getvalue(tuple, desc, SPI_fnumber(desc, "id")));
}

static void
append_notification(uint64 row, BevAnswer *answer)
{
	HeapTuple tuple = SPI_tuptable->vals[row];
	BevRecord record;
	char *bytes;
	Size size;

	bev_system_row_record(&record, "notification", tuple, SPI_tuptable->tupdesc);
	record.key = position_of(row); /* the gateway makes the end of a page of it */
	bytes = bev_record_bytes(&record, &size);
	appendBinaryStringInfo(&answer->rest, bytes, size);
	answer->message.count++;
}

/* True, false or not there; false: it is something else. */
static bool
read_flag(Jsonb *json, const char *name, bool *flag)
{
	JsonbValue *found = getKeyJsonValueFromContainer(&json->root, name, strlen(name), NULL);

	*flag = found && found->type == jbvBool && found->val.boolean;
	return found == NULL || found->type == jbvBool;
}

static bool
is_number(const char *text, Size len)
{
	return len > 0 && len < 19 && strspn(text, "0123456789") == len;
}

/* The place behind which the list goes on, "MICROSECONDS.ID", as we said it ourselves. */
static bool
is_position(const char *text)
{
	const char *dot = text ? strchr(text, '.') : NULL;

	return text == NULL ||
	       (dot && is_number(text, dot - text) && is_number(dot + 1, strlen(dot + 1)));
}

void
bev_user_requests_list(const BevQuestionHead *head, const char *payload, BevAnswer *answer)
{
	static const char sql[] =
		"SELECT * FROM bugevents.notifications AS n"
		" WHERE user_id = $1 AND NOT hidden AND (NOT read OR $2 IS NULL)"
		" AND ($3 IS NULL OR (updated_at, id) < ('epoch'::timestamptz"
		" + split_part($3, '.', 1)::bigint * interval '1 microsecond', split_part($3, '.', 2)::bigint))"
		" ORDER BY updated_at DESC, id DESC LIMIT $4::integer + 1";
	Jsonb *json = bev_request_read(payload, answer);
	StringInfo rest = &answer->rest;
	const char *texts[4];
	char *text;
	char *after;
	char *next = NULL;
	static const char *const known[] = {"type", "unread", "limit", "after", NULL};
	BevPrincipals asker;
	bool unread_only;
	int limit;
	uint64 n;

	if (json == NULL || !bev_request_has_only(json, known, answer) ||
	    !bev_asker_find(head, &asker, answer))
		return;
	if (!read_flag(json, "unread", &unread_only))
	{
		bev_answer_error(answer, "invalid_field", "unread", "expected true or false");
		return;
	}
	if (!bev_request_text(json, "limit", &text) || !bev_request_limit(text, &limit))
	{
		bev_answer_error(answer, "invalid_field", "limit", "expected a number from 1 to 1000");
		return;
	}
	if (!bev_request_text(json, "after", &after) || !is_position(after))
	{
		bev_answer_error(answer, "invalid_field", "after", "expected what a list gave as next");
		return;
	}
	texts[0] = bev_parameters_begin(head);
	texts[1] = unread_only ? "" : NULL;
	texts[2] = after;
	texts[3] = psprintf("%d", limit);

	answer->message.kind = BEV_ANSWER_ROWS;
	n = bev_parameters_run(sql, 4, texts);
	for (uint64 i = 0; i < Min(n, (uint64) limit); i++)
		append_notification(i, answer);
	if (n > (uint64) limit)
		next = position_of(limit - 1);
	appendStringInfo(rest, "%c%s", next ? '+' : '.', next ? next : "");
	SPI_finish();
}

static char *
unread(const char *user)
{
	(void) bev_parameters_run("SELECT count(*) FROM (SELECT FROM bugevents.notifications"
	                          " WHERE user_id = $1 AND NOT read AND NOT hidden LIMIT " UNREAD_MAX
	                          ") AS n",
	                          1, &user);
	return bev_parameters_value(1);
}

void
bev_user_requests_read(const BevQuestionHead *head, const char *payload, BevAnswer *answer)
{
	Jsonb *json = bev_request_read(payload, answer);
	char *id = json ? bev_request_id(json, "notification_id", answer) : NULL;
	BevPrincipals asker;
	const char *texts[2];

	if (id == NULL || !bev_asker_find(head, &asker, answer))
		return;
	texts[0] = bev_parameters_begin(head);
	texts[1] = id;
	if (is_number(id, strlen(id)) &&
	    bev_parameters_run(
			"SELECT FROM bugevents.notifications WHERE user_id = $1 AND id = $2::bigint", 2,
			texts) > 0)
	{
		bool changed;

		(void) bev_parameters_run("SELECT bugevents.mark_read($2::bigint, $1)", 2, texts);
		changed = strcmp(bev_parameters_value(1), "t") == 0;
		answer->message.kind = BEV_ANSWER_OBJECT;
		appendStringInfo(&answer->rest, "{\"read\":%s,\"unread\":%s}", changed ? "true" : "false",
		                 unread(texts[0]));
	}
	else
		bev_answer_error(answer, "not_found", "", "you have no such notification");
	SPI_finish();
}

void
bev_user_requests_read_all(const BevQuestionHead *head, const char *payload pg_attribute_unused(),
                           BevAnswer *answer)
{
	BevPrincipals asker;
	const char *user;
	char *changed;

	if (!bev_asker_find(head, &asker, answer))
		return;
	user = bev_parameters_begin(head);

	(void) bev_parameters_run("SELECT bugevents.mark_all_read($1)", 1, &user);
	changed = bev_parameters_value(1);
	answer->message.kind = BEV_ANSWER_OBJECT;
	appendStringInfo(&answer->rest, "{\"read\":%s,\"unread\":%s}", changed, unread(user));
	SPI_finish();
}

/* ---- what is watched ---- */

/* What can be watched: a row of an entity, which a request names by a field. */
typedef struct Watchable
{
	const char *field;
	const char *entity;
	const char *find; /* does the user watch it? */
	const char *watch;
	const char *unwatch;
} Watchable;

static const Watchable watchables[] = {
	{"bug_report_id", "bug_report",
     "SELECT FROM bugevents.watchers WHERE bug_report_id = $1 AND user_id = $2",
     "SELECT bugevents.watch(bug_id => $1, user_id => $2)",
     "SELECT bugevents.unwatch(bug_id => $1, user_id => $2)"},
	{"project_id", "project",
     "SELECT FROM bugevents.project_watchers WHERE project_id = $1 AND user_id = $2",
     "SELECT bugevents.watch(project_id => $1, user_id => $2)",
     "SELECT bugevents.unwatch(project_id => $1, user_id => $2)"},
};

static const Watchable *
find_watchable(Jsonb *json)
{
	const char *field = watchables[1].field;

	return &watchables[getKeyJsonValueFromContainer(&json->root, field, strlen(field), NULL) !=
	                   NULL];
}

/*
 * The row's own key, whatever the client wrote, so that one row is watched once.  NULL: there is no
 * such row, or asker (unless NULL) doesn't see it.
 */
static char *
find_row(const Watchable *watchable, const char *id, const BevPrincipals *asker)
{
	const char *key = bev_row_fetch_key(watchable->entity, id, asker);

	return key ? pg_any_to_server(pstrdup(key), strlen(key), PG_UTF8) : NULL;
}

/* Though its row is gone. */
static bool
is_watched(const Watchable *watchable, const char *id, const char *user)
{
	const char *texts[] = {id, user};

	return bev_parameters_run(watchable->find, 2, texts) > 0;
}

static void
set_watching(const BevQuestionHead *head, const char *payload, BevAnswer *answer, bool watching)
{
	Jsonb *json = bev_request_read(payload, answer);
	const Watchable *watchable = json ? find_watchable(json) : NULL;
	char *id = json ? bev_request_id(json, watchable->field, answer) : NULL;
	BevPrincipals asker;
	const char *texts[2];

	if (id == NULL || !bev_asker_find(head, &asker, answer))
		return;
	texts[1] = bev_parameters_begin(head);
	texts[0] = find_row(watchable, id, watching ? &asker : NULL);
	if (texts[0] == NULL && !watching && is_watched(watchable, id, texts[1]))
		texts[0] = id;
	if (texts[0] == NULL && watching)
		bev_answer_error(answer, "not_found", "", "there is no such row, or it is not for you");
	else
	{
		if (texts[0])
			(void) bev_parameters_run(watching ? watchable->watch : watchable->unwatch, 2, texts);
		answer->message.kind = BEV_ANSWER_OBJECT;
		appendStringInfo(&answer->rest, "{\"watching\":%s}", watching ? "true" : "false");
	}
	SPI_finish();
}

void
bev_user_requests_watch(const BevQuestionHead *head, const char *payload, BevAnswer *answer)
{
	set_watching(head, payload, answer, true);
}

void
bev_user_requests_unwatch(const BevQuestionHead *head, const char *payload, BevAnswer *answer)
{
	set_watching(head, payload, answer, false);
}

/* ---- mails ---- */

void
bev_user_requests_unsubscribe(const BevQuestionHead *head, const char *payload, BevAnswer *answer)
{
	Jsonb *json = bev_request_read(payload, answer);
	char *token = json ? bev_request_id(json, "token", answer) : NULL;
	const char *texts[1];

	if (token == NULL)
		return;
	(void) bev_parameters_begin(head);
	texts[0] = token;
	(void) bev_parameters_run("SELECT bugevents.unsubscribe($1) IS NOT NULL", 1, texts);
	answer->message.kind = BEV_ANSWER_OBJECT;
	appendStringInfo(&answer->rest, "{\"done\":%s}",
	                 strcmp(bev_parameters_value(1), "t") == 0 ? "true" : "false");
	SPI_finish();
}
