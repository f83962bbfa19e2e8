/*
 * history_list.c - the history of a row, for a client.
 *
 * Model: entries are rows of bugevents.history, in the form of events: each has the audience of the
 * event that it stands for, so nobody reads of a change whom the event wouldn't have reached.  And
 * who doesn't see the row as it is now reads nothing of it; of a row that is gone, who could see it
 * go (test/t/407_history.pl).
 */
#include "server/responder/history_list.h"

#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "server/attach/attached_kind.h"
#include "server/attach/entity.h"
#include "server/capture/record.h"
#include "server/encode/database_text.h"
#include "server/responder/asker.h"
#include "server/responder/parameters.h"
#include "server/responder/row_fetch.h"

#define PLACE "0:" /* before the place that "after" goes on from, as a list of a table has it */

enum
{
	COLUMN_PLACE = 1,
	COLUMN_ACTION,
	COLUMN_AUDIENCE,
	COLUMN_PAYLOAD,
	COLUMN_OPEN_PAYLOAD
};

/* $1 entity, $2 id, $3 and $4 the time and the seq that "after" says */
#define ENTRIES \
	"SELECT (extract(epoch FROM at) * 1000000)::bigint || '.' || seq, action, audience," \
	" (entry || jsonb_build_object('changes', changes))::text," \
	" CASE WHEN open_changes IS NOT NULL" \
	" THEN (entry || jsonb_build_object('changes', nullif(open_changes, '{}')))::text END" \
	" FROM bugevents.history AS h," \
	" LATERAL (SELECT jsonb_build_object('entity', entity," \
	" 'id', CASE WHEN id ~ '^(0|-?[1-9][0-9]{0,17})$' THEN to_jsonb(id::bigint) ELSE to_jsonb(id) END," \
	" 'seq', seq, 'at', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')," \
	" 'actor', actor, 'action', action) AS entry) AS e" \
	" WHERE entity = $1 AND id = $2"
#define NEWEST_FIRST " ORDER BY at DESC, seq DESC LIMIT "

/* A column as UTF-8; NULL: null. */
static const char *
column(uint64 row, int number)
{
	char *text = SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, number);

	return text ? bev_database_text_to_cstring(text) : NULL;
}

static BevSpan
span_of(const char *text)
{
	return (BevSpan){text, text ? (uint32_t) strlen(text) : 0};
}

static char *
make_record(uint64 row, Size *size)
{
	BevRecord record = {
		.type = "history",
		.action = column(row, COLUMN_ACTION),
		.audience = column(row, COLUMN_AUDIENCE),
		.key = column(row, COLUMN_PLACE),
		.project = "",
		.bug = "",
		.payload = span_of(column(row, COLUMN_PAYLOAD)),
		.open_payload = span_of(column(row, COLUMN_OPEN_PAYLOAD)),
		.actor = "",
	};

	return bev_record_bytes(&record, size);
}

/* The entity that is asked for; NULL: the answer says what is wrong. */
static const BevEntity *
read_entity(Jsonb *json, BevAnswer *answer)
{
	char *name;
	const BevEntity *entity =
		bev_request_text(json, "entity", &name) && name ? bev_attached_kind_find(name) : NULL;

	if (entity == NULL)
		bev_answer_error(answer, "invalid_field", "entity", "rows of this type have no history");
	return entity;
}

/* "0:TIME.SEQ", as make_record() has it; both NULL: from the newest on. */
static bool
read_after(Jsonb *json, const char **texts)
{
	char *after;
	char *seq;

	texts[0] = texts[1] = NULL;
	if (!bev_request_text(json, "after", &after))
		return false;
	if (after == NULL)
		return true;
	if (strncmp(after, PLACE, strlen(PLACE)) != 0 || (seq = strchr(after, '.')) == NULL)
		return false;
	*seq++ = '\0';
	texts[0] = after + strlen(PLACE);
	texts[1] = seq;
	return strspn(texts[0], "0123456789") == strlen(texts[0]) && strlen(texts[0]) < 18 &&
	       *texts[0] && *seq && strspn(seq, "0123456789") == strlen(seq) && strlen(seq) < 19;
}

/* Who could see it go may read how it came to that. */
static bool
saw_it_go(const char *const *texts, const BevPrincipals *asker)
{
	char *bytes;
	Size size;

	if (bev_parameters_run(ENTRIES NEWEST_FIRST "1", 2, texts) == 0 ||
	    strcmp(column(0, COLUMN_ACTION), "deleted") != 0)
		return false;
	bytes = make_record(0, &size);
	return bev_asker_sees(asker, &bytes, &size);
}

static void
append_entries(const char *const *texts, const char *limit, const BevPrincipals *asker,
               BevAnswer *answer)
{
	const char *values[] = {texts[0], texts[1], texts[2], texts[3], limit};
	uint64 most = strtoul(limit, NULL, 10);
	uint64 n = bev_parameters_run(
		ENTRIES " AND ($3 IS NULL OR (at, seq) < (to_timestamp(0) + $3::bigint *"
				" interval '1 microsecond', $4::bigint))" NEWEST_FIRST "$5::integer + 1",
		5, values);

	for (uint64 i = 0; i < Min(n, most); i++)
	{
		Size size;
		char *bytes = make_record(i, &size);

		if (!bev_asker_sees(asker, &bytes, &size))
			continue;
		appendBinaryStringInfo(&answer->rest, bytes, (int) size);
		answer->message.count++;
	}
	appendStringInfo(&answer->rest, "%c" PLACE "%s", n > most ? '+' : '.',
	                 n > 0 ? column(Min(n, most) - 1, COLUMN_PLACE) : "0.0");
}

void
bev_history_list(const BevQuestionHead *head, Jsonb *json, BevAnswer *answer)
{
	static const char *const known[] = {"type", "entity", "id", "limit", "after", NULL};
	const BevEntity *entity;
	BevPrincipals asker;
	const char *texts[4];
	char *id;
	char *text;
	int limit;

	if (!bev_request_has_only(json, known, answer) ||
	    (entity = read_entity(json, answer)) == NULL ||
	    (id = bev_request_id(json, "id", answer)) == NULL || !bev_asker_find(head, &asker, answer))
		return;
	if (!bev_request_text(json, "limit", &text) || !bev_request_limit(text, &limit))
		bev_answer_error(answer, "invalid_field", "limit", "expected a number from 1 to 1000");
	else if (!read_after(json, &texts[2]))
		bev_answer_error(answer, "invalid_field", "after", "expected what a list gave as next");
	else
	{
		const char *key = bev_row_fetch_key(entity->name, id, &asker);

		texts[0] = entity->name;
		texts[1] = key ? pg_any_to_server(pstrdup(key), strlen(key), PG_UTF8) : id;
		(void) bev_parameters_begin(head);
		answer->message.kind = BEV_ANSWER_ROWS;
		if (key || saw_it_go(texts, &asker))
			append_entries(texts, psprintf("%d", limit), &asker, answer);
		else
			bev_answer_error(answer, "not_found", "", "there is no such row, or it is not for you");
		SPI_finish();
	}
}
