/*
 * administer.c - what admins ask for: who is connected, and to end a connection.
 *
 * Model: the views and functions that a DBA uses, in JSON.  Who is an admin is decided here
 * (asker.c): the lower of the token's role and the tables'.
 */
#include "server/responder/administer.h"

#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "server/responder/asker.h"
#include "server/responder/parameters.h"

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
