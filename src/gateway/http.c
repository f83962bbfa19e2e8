/*
 * http.c - the plain HTTP answers on the same port.
 *
 * Model: one request for each connection.  Whoever asks is a health check or a
 * lost browser; keeping connections alive for them would only be more to get
 * wrong.
 */
#include "http.h"

#include <string.h>

static const char *
reason_phrase(int status)
{
	switch (status)
	{
		case 200:
			return "OK";
		case 404:
			return "Not Found";
		case 405:
			return "Method Not Allowed";
		case 408:
			return "Request Timeout";
		case 426:
			return "Upgrade Required";
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

static void
respond(BeClient *client, int status, const char *body, bool with_body)
{
	BeText	   *out = &client->out;

	be_text_printf(out, "HTTP/1.1 %d %s\r\n", status, reason_phrase(status));
	be_text_printf(out, "Content-Type: text/plain; charset=utf-8\r\n"
				   "Content-Length: %zu\r\n", strlen(body) + 1);
	be_text_add_string(out, "Cache-Control: no-store\r\n"
					   "X-Content-Type-Options: nosniff\r\n");
	if (status == 405)
		be_text_add_string(out, "Allow: GET, HEAD\r\n");
	if (status == 426)
		be_text_add_string(out, "Upgrade: websocket\r\n"
						   "Sec-WebSocket-Version: 13\r\n");
	be_text_printf(out, "Connection: close%s\r\n\r\n",
				   status == 426 ? ", upgrade" : "");
	if (with_body)
		be_text_printf(out, "%s\n", body);
	client->state = BE_CLIENT_HTTP;
}

void
be_http_refuse(BeClient *client, int status)
{
	respond(client, status, reason_phrase(status), true);
}

void
be_http_answer(BeClient *client, const BeHead *head)
{
	const char *unready = be_gateway_unready(client->gateway);
	bool		is_get = be_span_is(head->method, "GET");

	if (!is_get && !be_span_is(head->method, "HEAD"))
		be_http_refuse(client, 405);
	else if (be_span_is(head->path, "/health"))
		respond(client, 200, "ok", is_get);
	else if (be_span_is(head->path, "/ready"))
		respond(client, unready ? 503 : 200, unready ? unready : "ok", is_get);
	else if (be_span_is(head->path, "/ws"))
		respond(client, 426, "this is a WebSocket", is_get);
	else
		respond(client, 404, reason_phrase(404), is_get);
}

void
be_http_accept(BeClient *client, const BeHead *head)
{
	char		accept[BE_ACCEPT_LEN + 1];

	be_head_accept(head, accept);
	be_text_printf(&client->out, "HTTP/1.1 101 Switching Protocols\r\n"
				   "Upgrade: websocket\r\nConnection: Upgrade\r\n"
				   "Sec-WebSocket-Accept: %s\r\n", accept);
	if (be_head_offers_protocol(head))
		be_text_add_string(&client->out,
						   "Sec-WebSocket-Protocol: " BE_SUBPROTOCOL "\r\n");
	be_text_add_string(&client->out, "\r\n");
}
