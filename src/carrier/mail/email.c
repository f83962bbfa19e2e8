/*
 * email.c - a delivery as a mail.
 *
 * Model: multipart/alternative with plain text, and HTML if there is some.  Both are UTF-8
 * in quoted-printable, which every relay passes on unchanged.
 */
#include "carrier/mail/email.h"
#include "common/program/memory.h"
#include "carrier/mail/header.h"

#include <stdio.h>
#include <string.h>

static void
add_words(struct curl_slist **list, const char *name, const char *value)
{
	BevText line = {0};

	if (value[0] == '\0')
		return;
	bev_header_words(&line, name, value);
	bev_curl_request_add_text(list, &line);
}

/* RFC 2369, and RFC 8058 for those who unsubscribe with one click. */
static void
add_unsubscribe(struct curl_slist **list, const char *url)
{
	BevText line = {0};

	if (url[0] == '\0')
		return;
	bev_text_printf(&line, "List-Unsubscribe: <%s>", url);
	bev_curl_request_add_text(list, &line);
	if (strncmp(url, "https:", 6) == 0)
		bev_curl_request_add(list, "List-Unsubscribe-Post: List-Unsubscribe=One-Click");
}

/* Whose list it is of, and what else filters go by. */
static void
add_origin(struct curl_slist **list, const BevDelivery *delivery)
{
	BevText line = {0};
	const char *name;
	const json_t *value;

	if (delivery->list_id[0])
	{
		bev_text_printf(&line, "List-Id: <%s>", delivery->list_id);
		bev_curl_request_add_text(list, &line);
	}
	json_object_foreach ((json_t *) delivery->headers, name, value)
	{
		char header[64];

		snprintf(header, sizeof(header), "X-BugEvents-%s", name);
		bev_header_text(&line, header, json_string_value(value));
		bev_curl_request_add_text(list, &line);
	}
}

/* The address is ours whoever did it: else the mail would be a forgery to DMARC. */
static void
add_from(struct curl_slist **list, const BevRoute *route, const BevDelivery *delivery)
{
	BevMailbox from = route->from;
	BevText line = {0};

	if (delivery->from_name[0])
		snprintf(from.name, sizeof(from.name), "%s", delivery->from_name);
	bev_header_mailbox(&line, "From", &from);
	bev_curl_request_add_text(list, &line);
}

struct curl_slist *
bev_email_headers(const BevRoute *route, const BevDelivery *delivery, time_t now)
{
	struct curl_slist *list = NULL;
	BevText line = {0};

	bev_header_date(&line, now);
	bev_curl_request_add_text(&list, &line);
	add_from(&list, route, delivery);
	bev_header_mailbox(&line, "To", &delivery->mailbox);
	bev_curl_request_add_text(&list, &line);
	bev_header_text(&line, "Subject", delivery->subject);
	bev_curl_request_add_text(&list, &line);
	add_words(&list, "Message-ID", delivery->message_id);
	add_words(&list, "In-Reply-To", delivery->in_reply_to);
	add_words(&list, "References", delivery->references);
	add_unsubscribe(&list, delivery->list_unsubscribe);
	add_origin(&list, delivery);
	/* RFC 3834: nobody's holiday is to be announced to us. */
	bev_curl_request_add(&list, "Auto-Submitted: auto-generated");
	bev_curl_request_add(&list, "X-Auto-Response-Suppress: All");
	bev_curl_request_add(&list, "Content-Type: multipart/alternative");
	return list;
}

/* Lines end with CR LF, whatever they ended with. */
static void
end_lines(BevText *out, const char *text)
{
	for (; *text; text++)
	{
		if (*text != '\r' && *text != '\n')
		{
			bev_text_add(out, text, 1);
			continue;
		}
		if (text[0] == '\r' && text[1] == '\n')
			text++;
		bev_text_add(out, "\r\n", 2);
	}
}

static void
add_part(curl_mime *mime, const char *type, const char *text)
{
	curl_mimepart *part = curl_mime_addpart(mime);
	BevText lines = {0};

	end_lines(&lines, text);
	bev_text_add(&lines, "", 1);
	if (part == NULL || curl_mime_type(part, type) != CURLE_OK ||
	    curl_mime_encoder(part, "quoted-printable") != CURLE_OK ||
	    curl_mime_data(part, lines.data, lines.len - 1) != CURLE_OK)
		bev_out_of_memory();
	bev_text_free(&lines);
}

void
bev_email_write(BevCurlRequest *request, CURL *easy, const BevRoute *route,
                const BevDelivery *delivery, time_t now)
{
	request->headers = bev_email_headers(route, delivery, now);
	bev_curl_request_add(&request->recipients, delivery->mailbox.address);
	request->mime = curl_mime_init(easy);
	if (request->mime == NULL)
		bev_out_of_memory();
	/* The best comes last; RFC 2046, section 5.1.4. */
	add_part(request->mime, "text/plain; charset=utf-8", delivery->text);
	if (delivery->html[0])
		add_part(request->mime, "text/html; charset=utf-8", delivery->html);
}
