/*
 * header_test.c - headers of a mail: folding, words in other letters, addresses, dates.
 */
#include <stdlib.h>

#include "carrier/mail/email.h"
#include "carrier/mail/header.h"
#include "tap.h"

static void
is_header(BevText *header, const char *wanted)
{
	tap_is(header->data, header->len, wanted, wanted);
	bev_text_free(header);
}

static void
text(const char *value, const char *wanted)
{
	BevText header = {0};

	bev_header_text(&header, "Subject", value);
	is_header(&header, wanted);
}

static void
words(const char *value, const char *wanted)
{
	BevText header = {0};

	bev_header_words(&header, "References", value);
	is_header(&header, wanted);
}

static void
date(time_t now, const char *wanted)
{
	BevText header = {0};

	bev_header_date(&header, now);
	is_header(&header, wanted);
}

static void
mailbox(const char *value, const char *wanted)
{
	BevMailbox mailbox;
	BevText header = {0};

	if (!tap_ok(bev_mailbox_read(value, &mailbox), value))
		return;
	bev_header_mailbox(&header, "To", &mailbox);
	is_header(&header, wanted);
}

/* No line too long, each encoded word of whole characters: checked for every length. */
static void
lengths(const char *character)
{
	char value[400] = "";
	bool good = true;

	for (int n = 0; n < 90; n++)
	{
		BevText header = {0};
		size_t line = 0;

		strcat(value, character);
		bev_header_text(&header, "Subject", value);
		for (size_t i = 0; i < header.len; i++)
		{
			line = header.data[i] == '\n' ? 0 : line + 1;
			good = good && line <= 77 && header.data[i] > 0;
		}
		bev_text_free(&header);
	}
	tap_ok(good, character);
}

static json_t *
message_of(const char *json)
{
	json_t *message = json_loads(json, 0, NULL);

	if (message == NULL)
		abort();
	return message;
}

/* All headers of a mail. */
static void
email(const char *json, const char *wanted)
{
	BevRoute route = {.from = {.name = "Bug Events", .address = "bugs@example.com"}};
	char error[200];
	BevDelivery *delivery = bev_delivery_read(message_of(json), strlen(json), error, sizeof(error));
	struct curl_slist *list = bev_email_headers(&route, delivery, 1769860800);
	BevText all = {0};

	for (struct curl_slist *one = list; one; one = one->next)
		bev_text_printf(&all, "%s\n", one->data);
	tap_is(all.data, all.len, wanted, "headers of a mail");
	bev_text_free(&all);
	curl_slist_free_all(list);
	bev_delivery_free(delivery);
}

/* A delivery with this member is not sent; the error names it. */
static void
refused(const char *member, const char *name)
{
	char json[1000];
	char error[200];
	BevDelivery *delivery;

	snprintf(json, sizeof(json),
	         "{\"id\":1,\"channel\":\"email\",\"key\":\"k\",\"to\":\"a@b\",\"text\":\"\",%s%s}",
	         strstr(member, "\"subject\"") ? "" : "\"subject\":\"s\",", member);
	delivery = bev_delivery_read(message_of(json), strlen(json), error, sizeof(error));
	tap_ok(strstr(error, name) != NULL, member);
	bev_delivery_free(delivery);
}

int
main(void)
{
	static const char *const no_mailboxes[] = {
		"",
		"ann",
		"@b",
		"ann@",
		"a@b@c",
		"a b@c",
		"a@b c",
		"<a@b",
		"a@b>",
		"a@b,c@d",
		"a@b\r\n",
		"x\r\n<a@b>",
		"a\t@b",
		"\"x <a@b>",
		"x\" <a@b>",
		"\"x\\\" <a@b>",
		"x <y> <a@b>",
		"a..b@c",
		".a@b",
		"a.@b",
		"a@b.",
		"a@-b",
		"a@[1.2.3.4",
		"a@[]",
		"<>",
		"a@b <c>",
		"a\xc2\xa0@b",
		"a@b\xe2\x80\xae",
		"\xe2\x80\x8b@b",
		"a\xe2\x80\xa9@b",
	};
	BevMailbox unread;

	text("", "Subject: ");
	text("Hello", "Subject: Hello");
	text("a: b <c> \"d\"", "Subject: a: b <c> \"d\"");
	text("Z\xc3\xbcrich", "Subject: =?UTF-8?B?WsO8cmljaA==?=");
	text(" x", "Subject: =?UTF-8?B?IHg=?=");
	text("x ", "Subject: =?UTF-8?B?eCA=?=");
	text("=?x", "Subject: =?UTF-8?B?PT94?=");
	text("1234567890123456789012345678901234567890123456789012345678901234567",
	     "Subject: 1234567890123456789012345678901234567890123456789012345678901234567");
	text("12345678901234567890123456789012345678901234567890123456789012345678",
	     "Subject: =?UTF-8?B?MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5?=\r\n"
	     " =?UTF-8?B?MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg=?=");
	lengths("x");
	lengths("\xc3\xbc");
	lengths("\xe6\x97\xa5");
	lengths("\xf0\x9f\xa7\x80");

	words("<a@b>", "References: <a@b>");
	words(" <a@b>   <c@d> ", "References: <a@b> <c@d>");
	words(
		"<1234567890123456789012345678901234567890@b> <1234567890123456789012345678901234567890@b>",
		"References: <1234567890123456789012345678901234567890@b>\r\n <1234567890123456789012345678901234567890@b>");
	words(
		"<123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890@b>",
		"References: <123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890@b>");

	date(0, "Date: Thu, 01 Jan 1970 00:00:00 +0000");
	date(1769860800, "Date: Sat, 31 Jan 2026 12:00:00 +0000");
	date(1709164799, "Date: Wed, 28 Feb 2024 23:59:59 +0000");

	mailbox("ann@example.com", "To: ann@example.com");
	mailbox("<ann@example.com>", "To: ann@example.com");
	mailbox("Ann <ann@example.com>", "To: \"Ann\" <ann@example.com>");
	mailbox("\"Ann \\\"A\\\" <x>\" <ann@example.com>",
	        "To: \"Ann \\\"A\\\" <x>\" <ann@example.com>");
	mailbox("\xc3\x84nn <ann@example.com>", "To: =?UTF-8?B?w4Rubg==?= <ann@example.com>");
	mailbox("Bugs, and more <b+c/d=e@[127.0.0.1]>", "To: \"Bugs, and more\" <b+c/d=e@[127.0.0.1]>");
	mailbox("a@localhost", "To: a@localhost");
	mailbox("j\xc3\xb6rg@b\xc3\xbc"
	        "cher.example",
	        "To: j\xc3\xb6rg@b\xc3\xbc"
	        "cher.example");
	for (size_t i = 0; i < sizeof(no_mailboxes) / sizeof(no_mailboxes[0]); i++)
		tap_ok(!bev_mailbox_read(no_mailboxes[i], &unread), no_mailboxes[i]);

	email(
		"{\"id\":1,\"channel\":\"email\",\"key\":\"k\",\"to\":\"ann@example.com\",\"subject\":\"Hi\",\"text\":\"\","
		"\"message_id\":\"<3@b>\",\"in_reply_to\":\"<2@b>\",\"references\":\"<1@b> <2@b>\","
		"\"list_unsubscribe\":\"https://b/u?t=1\"}",
		"Date: Sat, 31 Jan 2026 12:00:00 +0000\nFrom: \"Bug Events\" <bugs@example.com>\nTo: ann@example.com\n"
		"Subject: Hi\nMessage-ID: <3@b>\nIn-Reply-To: <2@b>\nReferences: <1@b> <2@b>\n"
		"List-Unsubscribe: <https://b/u?t=1>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n"
		"Auto-Submitted: auto-generated\nX-Auto-Response-Suppress: All\n"
		"Content-Type: multipart/alternative\n");
	email(
		"{\"id\":1,\"channel\":\"email\",\"key\":\"k\",\"to\":\"ann@example.com\",\"subject\":\"Hi\",\"text\":\"\","
		"\"list_id\":\"project-7.bugs.example.com\",\"from_name\":\"\u00c4da \\\"<root@bank>\\\" (Bugs)\","
		"\"headers\":{\"Reason\":\"assignee\",\"Status\":\"\u00fcber =?x\"}}",
		"Date: Sat, 31 Jan 2026 12:00:00 +0000\nFrom: =?UTF-8?B?w4RkYSAiPHJvb3RAYmFuaz4iIChCdWdzKQ==?= <bugs@example.com>\n"
		"To: ann@example.com\nSubject: Hi\nList-Id: <project-7.bugs.example.com>\nX-BugEvents-Reason: assignee\n"
		"X-BugEvents-Status: =?UTF-8?B?w7xiZXIgPT94?=\nAuto-Submitted: auto-generated\nX-Auto-Response-Suppress: All\n"
		"Content-Type: multipart/alternative\n");

	/* No text of a delivery begins a header of its own. */
	refused("\"list_id\":\"a\\r\\nBcc: x@y\"", "list_id");
	refused("\"list_id\":\"a>b\"", "list_id");
	refused("\"list_id\":\"a..b\"", "list_id");
	refused("\"from_name\":\"a\\r\\nBcc: x@y\"", "from_name");
	refused("\"headers\":{\"A\":\"b\\nBcc: x@y\"}", "headers");
	refused("\"headers\":{\"A\\r\\nBcc\":\"x@y\"}", "headers");
	refused("\"headers\":{\"A: b\":\"x\"}", "headers");
	refused("\"headers\":{\"A\":1}", "headers");
	refused("\"headers\":[]", "headers");
	refused("\"subject\":\"a\\r\\nBcc: x@y\"", "subject");
	return tap_done();
}
