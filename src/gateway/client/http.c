/*
 * http.c - the plain HTTP answers on the same port.
 *
 * Model: one request for each connection.  Whoever asks is a health check or a
 * lost browser; keeping connections alive for them would only be more to get
 * wrong.
 */
#include "gateway/client/http.h"
#include "gateway/client/token_check.h"
#include "gateway/client/console.h"
#include "gateway/session/question.h"
#include "gateway/session/abuse.h"
#include "gateway/identity/token.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

static const char *
reason_phrase(int status)
{
	switch (status)
	{
		case 200:
			return "OK";
		case 401:
			return "Unauthorized";
		case 404:
			return "Not Found";
		case 405:
			return "Method Not Allowed";
		case 408:
			return "Request Timeout";
		case 426:
			return "Upgrade Required";
		case 429:
			return "Too Many Requests";
		case 431:
			return "Request Header Fields Too Large";
		case 503:
			return "Service Unavailable";
		case 505:
			return "HTTP Version Not Supported";
		default:
			return "Bad Request";
	}
}

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
	"connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n" \
	"Referrer-Policy: no-referrer\r\nCross-Origin-Opener-Policy: same-origin\r\n"

static void
respond_with(BevClient *client, int status, const char *type, BevSpan body, bool with_body)
{
	BevText *out = &client->out;

	bev_text_printf(out, "HTTP/1.1 %d %s\r\n", status, reason_phrase(status));
	bev_text_printf(out, "Content-Type: %s\r\nContent-Length: %u\r\n", type, body.len);
	bev_text_add_string(out, "Cache-Control: no-store\r\n"
	                         "X-Content-Type-Options: nosniff\r\n");
	bev_text_add_string(out, more_headers(status));
	if (strncmp(type, "text/html", 9) == 0)
		bev_text_add_string(out, PAGE_POLICY);
	bev_text_printf(out, "Connection: close%s\r\n\r\n", status == 426 ? ", upgrade" : "");
	if (with_body)
		bev_text_add(out, body.data, body.len);
	client->state = BEV_CLIENT_HTTP;
}

/* A line of text. */
static void
respond(BevClient *client, int status, const char *text, bool with_body)
{
	char line[128];
	int len = snprintf(line, sizeof(line), "%s\n", text);

	respond_with(client, status, PLAIN_TEXT, (BevSpan){line, (uint32_t) len}, with_body);
}

static BevCounter
suspicion(int status)
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
bev_http_refuse(BevClient *client, int status)
{
	bev_abuse_note(client, suspicion(status));
	respond(client, status, reason_phrase(status), true);
}

static void
respond_file(BevClient *client, const BevConsoleFile *file, bool with_body)
{
	BevSpan body = {file->start, (uint32_t) (file->end - file->start)};

	respond_with(client, 200, file->type, body, with_body);
}

/* ---- /metrics ---- */

static bool
has_admin_token(BevClient *client, const BevHead *head)
{
	char token[BEV_TOKEN_MAX + 1];
	BevClaims claims = {0};
	const char *why;
	bool is_admin = bev_head_token(head, token) &&
	                bev_token_check(client, token, &claims, &why) == BEV_TOKEN_GOOD &&
	                claims.is_admin;

	OPENSSL_cleanse(token, sizeof(token));
	bev_claims_free(&claims);
	return is_admin;
}

/*
 * For this machine, and for admins.  What comes through a proxy on this machine is not from this
 * machine, even if the proxy is not known as one: it says for whom it asks, or speaks HTTP/1.0, as
 * nginx does unless told otherwise.
 */
static void
answer_metrics(BevClient *client, const BevHead *head)
{
	bool is_local = head->forwarded.len == 0 && !head->is_old &&
	                bev_address_is_loopback(bev_client_address(client));

	if (!is_local && bev_token_check_wait(client) > 0)
	{
		respond(client, 429, BEV_ATTEMPTS_REFUSED, true);
		return;
	}
	if (!is_local && !has_admin_token(client, head))
	{
		bev_http_refuse(client, 401);
		return;
	}
	client->state = BEV_CLIENT_SCRAPING;
	bev_question_metrics(client);
}

void
bev_http_metrics(BevClient *client, const BevSpan *text)
{
	if (text)
		respond_with(client, 200, METRICS_TEXT, *text, true);
	else
		respond(client, 503, "the database could not answer", true);
}

void
bev_http_answer(BevClient *client, const BevHead *head)
{
	const char *unready = bev_gateway_unready(client->gateway);
	const BevConsoleFile *file = bev_console_find(head->path);
	bool is_get = bev_span_is(head->method, "GET");

	if (!is_get && !bev_span_is(head->method, "HEAD"))
		bev_http_refuse(client, 405);
	else if (bev_span_is(head->path, "/health"))
		respond(client, 200, "ok", is_get);
	else if (bev_span_is(head->path, "/ready"))
		respond(client, unready ? 503 : 200, unready ? unready : "ok", is_get);
	else if (bev_span_is(head->path, "/metrics") && is_get)
		answer_metrics(client, head);
	else if (file)
		respond_file(client, file, is_get);
	else if (bev_span_is(head->path, "/ws"))
		respond(client, 426, "this is a WebSocket", is_get);
	else
		bev_http_refuse(client, 404);
}

void
bev_http_accept(BevClient *client, const BevHead *head)
{
	char accept[BEV_ACCEPT_LEN + 1];

	bev_head_accept(head, accept);
	bev_text_printf(&client->out,
	                "HTTP/1.1 101 Switching Protocols\r\n"
	                "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	                "Sec-WebSocket-Accept: %s\r\n",
	                accept);
	if (bev_head_offers_protocol(head))
		bev_text_add_string(&client->out, "Sec-WebSocket-Protocol: " BEV_SUBPROTOCOL "\r\n");
	bev_text_add_string(&client->out, "\r\n");
}
