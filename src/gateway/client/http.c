/*
 * http.c - the plain HTTP answers on the same port.
 *
 * Model: one request for each connection.  Whoever asks is a health check or a
 * lost browser; keeping connections alive for them would only be more to get
 * wrong.
 */
#include "gateway/client/http.h"
#include "common/pipe/body.h"
#include "common/program/hash.h"
#include "gateway/client/console.h"
#include "gateway/wire/http_answer.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define PLAIN_TEXT   "text/plain; charset=utf-8"
#define METRICS_TEXT "text/plain; version=0.0.4; charset=utf-8"

/* What an answer of this status has in its head beside the usual. */
static const char *
more_headers(int status)
{
	switch (status)
	{
		case 401:
			return "WWW-Authenticate: Bearer\r\n";
		case 405:
			return "Allow: GET, HEAD\r\n";
		case 426:
			return "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
		case 429:
			return "Retry-After: 1\r\n";
		default:
			return "";
	}
}

/*
 * A page of ours loads nothing from elsewhere, runs no script that is not a file of ours, talks
 * to where it came from only, and is in nobody's frame.
 */
#define PAGE_POLICY \
	"Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; " \
	"connect-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'\r\n" \
	"Referrer-Policy: no-referrer\r\nCross-Origin-Opener-Policy: same-origin\r\n"

static void
respond_with(BevSession *session, int status, const char *type, BevSpan body, bool with_body)
{
	BevText *out = &session->out;

	bev_text_printf(out, "HTTP/1.1 %d %s\r\n", status, bev_http_reason(status));
	bev_text_printf(out, "Content-Type: %s\r\nContent-Length: %u\r\n", type, body.len);
	bev_text_add_string(out, "Cache-Control: no-store\r\n"
	                         "X-Content-Type-Options: nosniff\r\n");
	bev_text_add_string(out, more_headers(status));
	if (strncmp(type, "text/html", 9) == 0)
		bev_text_add_string(out, PAGE_POLICY);
	bev_text_printf(out, "Connection: close%s\r\n\r\n", status == 426 ? ", upgrade" : "");
	if (with_body)
		bev_text_add(out, body.data, body.len);
	session->state = BEV_SESSION_HTTP;
}

/* A line of text. */
static void
respond(BevSession *session, int status, const char *text, bool with_body)
{
	char line[512];
	int len = snprintf(line, sizeof(line), "%s\n", text);

	respond_with(session, status, PLAIN_TEXT, (BevSpan){line, (uint32_t) len}, with_body);
}

static BevCounter
abuse_kind(int status)
{
	switch (status)
	{
		case 401:
			return BEV_COUNT_ABUSE_metrics_refused;
		case 404:
			return BEV_COUNT_ABUSE_unknown_path;
		case 408:
			return BEV_COUNT_ABUSE_slow_request;
		case 429:
			return BEV_COUNT_ABUSE_too_many_handshakes;
		default:
			return BEV_COUNT_ABUSE_malformed_request;
	}
}

void
bev_http_refuse(BevSession *session, int status)
{
	bev_session_abuse(session, abuse_kind(status));
	respond(session, status, bev_http_reason(status), true);
}

/* ---- Files, and what pages of others may do ---- */

static void
respond_file(BevSession *session, const BevConsoleFile *file, bool with_body)
{
	BevSpan body = {file->start, (uint32_t) (file->end - file->start)};

	respond_with(session, 200, file->type, body, with_body);
}

/* It is for everybody, and for tools on others' pages; who has it needn't fetch it again. */
static void
respond_description(BevSession *session, const BevHead *head, bool with_body)
{
	BevSpan text = bev_console_description();
	BevText *out = &session->out;
	char tag[24];
	bool known;

	snprintf(tag, sizeof(tag), "\"%08" PRIx32 "%08" PRIx32 "\"", bev_hash(text), text.len);
	known = bev_span_is(head->known_tag, tag) || bev_span_is(head->known_tag, "*");
	bev_text_printf(out, "HTTP/1.1 %d %s\r\n", known ? 304 : 200,
	                bev_http_reason(known ? 304 : 200));
	if (!known)
		bev_text_printf(out, "Content-Type: application/yaml\r\nContent-Length: %" PRIu32 "\r\n",
		                text.len);
	bev_text_printf(out,
	                "ETag: %s\r\nCache-Control: no-cache\r\nX-Content-Type-Options: nosniff\r\n"
	                "Access-Control-Allow-Origin: *\r\nConnection: close\r\n\r\n",
	                tag);
	if (with_body && !known)
		bev_text_add(out, text.data, text.len);
	session->state = BEV_SESSION_HTTP;
}

/* A browser asks whether a page of another origin may send its token to /events. */
static void
respond_preflight(const BevHttp *http, BevSession *session, const BevHead *head)
{
	BevText *out = &session->out;
	bool allowed =
		head->has_origin && bev_origin_allowed(head, http->tokens->config->allowed_origins);
	int status = allowed ? 204 : 403;

	if (!allowed)
		bev_session_abuse(session, BEV_COUNT_ABUSE_wrong_origin);
	bev_text_printf(out, "HTTP/1.1 %d %s\r\n", status, bev_http_reason(status));
	if (allowed)
	{
		bev_http_add_cors(out, head->origin);
		bev_text_add_string(out, "Access-Control-Allow-Methods: GET\r\n"
		                         "Access-Control-Allow-Headers: Authorization, Cache-Control, "
		                         "Last-Event-ID\r\nAccess-Control-Max-Age: 7200\r\n");
	}
	else
		bev_text_add_string(out, "Content-Length: 0\r\n");
	bev_text_add_string(out, "Connection: close\r\n\r\n");
	session->state = BEV_SESSION_HTTP;
}

/* ---- /metrics ---- */

static void
refuse_metrics(const BevHttp *http, BevSession *session, const char *code)
{
	bool expired = strcmp(code, "token_expired") == 0;

	if (expired || strcmp(code, "invalid_token") == 0)
		bev_token_check_failed(http->tokens, session, expired);
	bev_http_refuse(session, 401);
}

/* The answer to who waits for them. */
static bool
on_metrics(BevQuestions *questions __attribute__((unused)), BevSession *session,
           const char *id __attribute__((unused)), const BevAnswerMessage *answer, BevSpan rest,
           void **state)
{
	if (answer->kind == BEV_ANSWER_TEXT)
		respond_with(session, 200, METRICS_TEXT, rest, true);
	else if (*state && strcmp(answer->code, "internal_error") != 0 &&
	         strcmp(answer->code, "rate_limited") != 0)
		refuse_metrics(*state, session, answer->code);
	else
		respond(session, 503, "the database could not answer", true);
	return true;
}

/* For who shows a token, which has to be an admin's, by what it says and then by the tables. */
static void
ask_as_admin(const BevHttp *http, BevSession *session, const BevHead *head)
{
	char token[BEV_TOKEN_MAX + 1];

	session->state = BEV_SESSION_SCRAPING;
	if (!bev_head_token(head, token))
		bev_http_refuse(session, 401);
	else if (!bev_question_token(http->questions, session, NULL, BEV_TOKEN_METRICS, token,
	                             on_metrics, (void *) http))
		respond(session, 503, "too many tokens are being checked", true);
	OPENSSL_cleanse(token, sizeof(token));
}

/*
 * For this machine, and for admins.  What comes through a
 * proxy on this machine is not from this machine, even if the proxy is not known as one: it says
 * for whom it asks, or speaks HTTP/1.0, as nginx does unless told otherwise.
 */
static void
answer_metrics(const BevHttp *http, BevSession *session, const BevHead *head)
{
	bool is_local = !head->is_forwarded && !head->is_old &&
	                bev_address_is_loopback(bev_session_address(session));

	if (is_local)
	{
		session->state = BEV_SESSION_SCRAPING;
		bev_question_metrics(http->questions, session, on_metrics);
	}
	else if (bev_token_check_wait(http->tokens, session) > 0)
		respond(session, 429, BEV_ATTEMPTS_REFUSED, true);
	else
		ask_as_admin(http, session, head);
}

/* ---- /unsubscribe ---- */

#define UNSUBSCRIBE_PAGE(text) \
	"<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Mails</title>" \
	"<meta name=\"viewport\" content=\"width=device-width\"></head><body><main>" text \
	"</main></body></html>\n"

static void
respond_page(BevSession *session, int status, const char *page, bool with_body)
{
	respond_with(session, status, "text/html; charset=utf-8",
	             (BevSpan){page, (uint32_t) strlen(page)}, with_body);
}

static bool
on_unsubscribed(BevQuestions *questions __attribute__((unused)), BevSession *session,
                const char *id __attribute__((unused)), const BevAnswerMessage *answer,
                BevSpan rest, void **state __attribute__((unused)))
{
	if (answer->kind != BEV_ANSWER_OBJECT)
		respond_page(session, 503,
		             UNSUBSCRIBE_PAGE("<h1>Not yet</h1><p>Something is out of order. Please try "
		                              "again in a while.</p>"),
		             true);
	else if (bev_span_is(rest, "{\"done\":true}"))
		respond_page(session, 200, UNSUBSCRIBE_PAGE("<h1>Done</h1><p>No more of these mails.</p>"),
		             true);
	else
		respond_page(session, 404,
		             UNSUBSCRIBE_PAGE("<h1>Unknown</h1><p>This link is none of ours, or of a user "
		                              "who is gone.</p>"),
		             true);
	return true;
}

/* Of what bugevents puts into mails; what it says, the server judges. */
static bool
is_mail_token(const char *token)
{
	return *token && strspn(token, "0123456789abcdefghijklmnopqrstuvwxyz_.") == strlen(token);
}

/*
 * A link of a mail.  Programs that look at what links lead to send a GET, so that asks first; the
 * form, and a mail program's one click (RFC 8058), are a POST.
 */
static void
answer_unsubscribe(const BevHttp *http, BevSession *session, const BevHead *head)
{
	char token[1024];
	char payload[sizeof(token) + 16];
	bool is_post = bev_span_is(head->method, "POST");

	if (!is_post && !bev_span_is(head->method, "GET") && !bev_span_is(head->method, "HEAD"))
		bev_http_refuse(session, 405);
	else if (bev_head_parameter(head, "token", token, sizeof(token)) <= 0 || !is_mail_token(token))
		bev_http_refuse(session, 404);
	else if (!is_post)
		respond_page(session, 200,
		             UNSUBSCRIBE_PAGE("<h1>No more of these mails?</h1><form method=\"post\">"
		                              "<button>Unsubscribe</button></form>"),
		             bev_span_is(head->method, "GET"));
	else
	{
		snprintf(payload, sizeof(payload), "{\"token\":\"%s\"}", token);
		session->state = BEV_SESSION_SCRAPING;
		bev_question_unsubscribe(http->questions, session, payload, on_unsubscribed);
	}
}

/* NULL: the stream can be served; else why not. */
static const char *
why_unready(const BevHttp *http, const BevSession *session)
{
	if (session->sessions->shutting_down)
		return "shutting down";
	if (!http->stream->id[0])
		return http->condition[0] ? http->condition : "no stream yet";
	if (http->behind)
		return http->condition;
	if (http->no_keys)
		return "no key to check tokens with: none of jwt_secret_file, jwt_key_file and jwks_file "
			   "is set, or the file can't be used, and the log says why";
	return NULL;
}

bool
bev_http_note_condition(BevHttp *http, const BevMessage *message)
{
	BevConditionMessage condition;
	BevSpan text;

	if (!bev_body_read(message, &condition, sizeof(condition), &text))
		return false;
	http->no_keys = condition.keys == 0;
	http->behind = condition.behind != 0;
	snprintf(http->condition, sizeof(http->condition), "%.*s", (int) text.len, text.data);
	return true;
}

/* 200 when there is a stream, even if something besides is to be mended. */
static void
answer_ready(const BevHttp *http, BevSession *session, bool with_body)
{
	const char *unready = why_unready(http, session);
	char text[sizeof(http->condition) + 16];

	if (unready)
		snprintf(text, sizeof(text), "%s", unready);
	else
		snprintf(text, sizeof(text), "ok%s%s", http->condition[0] ? ", but: " : "",
		         http->condition);
	respond(session, unready ? 503 : 200, text, with_body);
}

void
bev_http_answer(const BevHttp *http, BevSession *session, const BevHead *head)
{
	const BevConsoleFile *file = bev_console_find(head->path);
	bool is_get = bev_span_is(head->method, "GET");

	if (bev_span_is(head->path, "/events") && bev_span_is(head->method, "OPTIONS"))
		respond_preflight(http, session, head);
	else if (bev_span_is(head->path, "/events"))
		bev_http_refuse(session, 405);
	else if (bev_span_is(head->path, "/unsubscribe"))
		answer_unsubscribe(http, session, head);
	else if (!is_get && !bev_span_is(head->method, "HEAD"))
		bev_http_refuse(session, 405);
	else if (bev_span_is(head->path, "/health"))
		respond(session, 200, "ok", is_get);
	else if (bev_span_is(head->path, "/ready"))
		answer_ready(http, session, is_get);
	else if (bev_span_is(head->path, "/metrics") && is_get)
		answer_metrics(http, session, head);
	else if (bev_span_is(head->path, "/asyncapi.yaml"))
		respond_description(session, head, is_get);
	else if (file)
		respond_file(session, file, is_get);
	else if (bev_span_is(head->path, "/ws"))
		respond(session, 426, "this is a WebSocket", is_get);
	else
		bev_http_refuse(session, 404);
}

void
bev_http_accept(BevSession *session, const BevHead *head)
{
	char accept[BEV_ACCEPT_LEN + 1];

	bev_head_accept(head, accept);
	bev_text_printf(&session->out,
	                "HTTP/1.1 101 Switching Protocols\r\n"
	                "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	                "Sec-WebSocket-Accept: %s\r\n",
	                accept);
	if (bev_head_offers_protocol(head))
		bev_text_add_string(&session->out, "Sec-WebSocket-Protocol: " BEV_SUBPROTOCOL "\r\n");
	bev_text_add_string(&session->out, "\r\n");
}
