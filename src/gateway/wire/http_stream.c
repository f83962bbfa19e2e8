/*
 * http_stream.c - events in the answer to a GET: as Server-Sent Events, or as one JSON document.
 *
 * Model: an answer of SSE has no length: it ends with the connection, so that proxies and old
 * clients understand it.  A refusal has a status that says why to whoever reads such, and a body
 * in the form that was asked for: an EventSource doesn't come back after another status than 200,
 * which is right for a bad token.
 *
 * Line ends: JSON values are passed on as they are and may have some, between their parts; in
 * SSE they would end the field, so they become blanks.
 */
#include "gateway/wire/http_stream.h"
#include "common/program/memory.h"
#include "gateway/wire/http_answer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SSE_TYPE  "text/event-stream; charset=utf-8"
#define JSON_TYPE "application/json"

BevHttpStream *
bev_http_stream_create(BevForm form, BevSpan origin)
{
	BevHttpStream *http = bev_alloc(sizeof(*http));

	http->form = form;
	if (origin.data)
		http->origin = bev_copy_text(origin.data, origin.len);
	return http;
}

void
bev_http_stream_free(BevHttpStream *http)
{
	if (http == NULL)
		return;
	bev_text_free(&http->events);
	free(http->origin);
	free(http);
}

/* ---- The head ---- */

/* What the answer's head has in any case; "X-Accel-Buffering": nginx passes each event on at once. */
static void
begin_head(const BevHttpStream *http, BevText *out, int status)
{
	const char *origin = http->origin ? http->origin : "";

	bev_text_printf(out, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n", status, bev_http_reason(status),
	                http->form == BEV_FORM_SSE ? SSE_TYPE : JSON_TYPE);
	bev_text_add_string(out, "Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n"
	                         "X-Content-Type-Options: nosniff\r\n");
	bev_http_add_cors(out, (BevSpan){origin, (uint32_t) strlen(origin)});
	if (status == 401)
		bev_text_add_string(out, "WWW-Authenticate: Bearer\r\n");
}

static void
end_head(BevText *out)
{
	bev_text_add_string(out, "Connection: close\r\n\r\n");
}

/* The whole answer. */
static void
answer(BevHttpStream *http, BevText *out, int status, double retry_after, const BevText *body)
{
	begin_head(http, out, status);
	if (retry_after > 0 || status == 503 || status == 429)
		bev_text_printf(out, "Retry-After: %.0f\r\n", retry_after > 1 ? ceil(retry_after) : 1);
	bev_text_printf(out, "Content-Length: %zu\r\n", body->len);
	end_head(out);
	bev_text_add(out, body->data, body->len);
	http->began = http->answered = true;
}

/* ---- Server-Sent Events ---- */

/* Without line ends. */
static void
add_line(BevText *out, BevSpan json)
{
	char *start;

	bev_text_add(out, json.data, json.len);
	start = out->data + out->len - json.len;
	if (memchr(start, '\n', json.len) == NULL && memchr(start, '\r', json.len) == NULL)
		return;
	for (uint32_t i = 0; i < json.len; i++)
		if (start[i] == '\n' || start[i] == '\r')
			start[i] = ' ';
}

static void
add_data(BevText *out, BevSpan json)
{
	bev_text_add_string(out, "data: ");
	add_line(out, json);
	bev_text_add_string(out, "\n\n");
}

static void
add_id(BevText *out, const char *stream, uint64_t seq)
{
	bev_text_printf(out, "id: %s:%" PRIu64 "\n", stream, seq);
}

void
bev_http_event_add(BevText *out, BevForm form, const char *stream, uint64_t seq, BevSpan type,
                   BevSpan action, BevSpan json)
{
	if (form == BEV_FORM_JSON)
	{
		bev_text_add(out, json.data, json.len);
		bev_text_add(out, ",", 1);
		return;
	}
	add_id(out, stream, seq);
	bev_text_add_string(out, "event: ");
	bev_text_add(out, type.data, type.len);
	bev_text_add_string(out, ".");
	bev_text_add(out, action.data, action.len);
	bev_text_add_string(out, "\n");
	add_data(out, json);
}

/* With the position, though nothing came: who comes back needn't be sent what is between. */
void
bev_http_stream_keep_alive(BevText *out, const char *stream, uint64_t seq)
{
	bev_text_add_string(out, ": keep-alive\n");
	add_id(out, stream, seq);
	bev_text_add_string(out, "\n");
}

void
bev_http_stream_message(BevHttpStream *http, BevText *out, const char *event, const char *stream,
                        uint64_t seq, BevSpan json)
{
	if (http->form != BEV_FORM_SSE || http->answered)
		return;
	if (!http->began)
	{
		begin_head(http, out, 200);
		end_head(out);
		http->began = true;
	}
	if (stream)
		add_id(out, stream, seq);
	bev_text_printf(out, "event: %s\n", event);
	add_data(out, json);
}

/* ---- Errors, and the end ---- */

void
bev_http_stream_error(BevHttpStream *http, BevText *out, const char *code, double retry_after,
                      BevSpan json)
{
	BevText body = {0};

	if (http->form == BEV_FORM_SSE && http->began)
	{
		bev_http_stream_message(http, out, "error", NULL, 0, json);
		return;
	}
	if (http->answered)
		return;
	if (http->form == BEV_FORM_SSE)
	{
		bev_text_add_string(&body, "event: error\n");
		add_data(&body, json);
	}
	else
	{
		bev_text_add(&body, json.data, json.len);
		bev_text_add_string(&body, "\n");
	}
	answer(http, out, bev_http_status_of_error(code), retry_after, &body);
	bev_text_free(&body);
}

void
bev_http_stream_answer(BevHttpStream *http, BevText *out, const char *stream, uint64_t seq)
{
	BevText body = {0};
	size_t len = http->events.len;

	bev_text_printf(&body, "{\"stream\":\"%s\",\"seq\":%" PRIu64 ",\"events\":[", stream, seq);
	if (len > 0)
		bev_text_add(&body, http->events.data, len - 1); /* the last comma */
	bev_text_add_string(&body, "]}\n");
	answer(http, out, 200, 0, &body);
	bev_text_free(&body);
	bev_text_free(&http->events);
}

void
bev_http_stream_end(BevHttpStream *http, BevText *out, int code, const char *reason)
{
	BevText json = {0};

	if (http->answered)
		return;
	if (http->began)
		bev_text_printf(&json, "{\"code\":%d,\"reason\":", code);
	else
		bev_text_add_string(&json, "{\"type\":\"error\",\"payload\":{\"code\":");
	bev_text_add_json(&json, reason, strlen(reason));
	bev_text_add_string(&json, http->began ? "}" : "}}");
	if (http->began)
		bev_http_stream_message(http, out, "close", NULL, 0,
		                        (BevSpan){json.data, (uint32_t) json.len});
	else
		bev_http_stream_error(http, out, reason, 0, (BevSpan){json.data, (uint32_t) json.len});
	http->answered = true;
	bev_text_free(&json);
}
