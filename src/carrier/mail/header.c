/*
 * header.c - the headers of a mail, with text of any language.
 *
 * Model: text that is ASCII and fits a line goes as it is; all other text as encoded
 * words in base64, each of whole characters, one a line.
 */
#include "carrier/mail/header.h"
#include "common/program/base64.h"
#include "common/text/utf8.h"

#include <string.h>

#define LINE_MAX_LEN 76 /* of a line with an encoded word; RFC 2047, section 2 */
#define WORD_BEGIN   "=?UTF-8?B?"
#define WORD_END     "?="
#define WORD_FRAME   (sizeof(WORD_BEGIN) - 1 + sizeof(WORD_END) - 1)

/* The length of the line that is being written. */
static size_t
column(const BevText *header)
{
	size_t n = 0;

	while (n < header->len && header->data[header->len - 1 - n] != '\n')
		n++;
	return n;
}

static void
fold(BevText *header)
{
	bev_text_add_string(header, "\r\n ");
}

static bool
is_plain(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	/* Whoever writes this means it; whoever reads it would decode it. */
	return strstr(text, "=?") == NULL && (len == 0 || (text[0] != ' ' && text[len - 1] != ' '));
}

/* As many whole characters of the text as fit into so many bytes. */
static size_t
chunk_of(const char *text, size_t len, size_t most)
{
	size_t n = 0;

	while (n < len)
	{
		size_t next = bev_utf8_char(text + n, len - n);

		if (next == 0)
			next = 1; /* not UTF-8, which nobody can split rightly */
		if (n + next > most)
			break;
		n += next;
	}
	return n;
}

static void
add_encoded(BevText *header, const char *text)
{
	size_t len = strlen(text);

	while (len > 0)
	{
		size_t used = column(header) + WORD_FRAME;
		size_t room = used < LINE_MAX_LEN ? (LINE_MAX_LEN - used) / 4 * 3 : 0;
		size_t n = chunk_of(text, len, room);
		char word[BEV_BASE64_LEN(LINE_MAX_LEN) + 1];

		if (n > 0)
		{
			bev_base64_encode(word, text, n);
			bev_text_printf(header, WORD_BEGIN "%s" WORD_END, word);
			text += n;
			len -= n;
		}
		if (len > 0)
			fold(header);
	}
}

void
bev_header_text(BevText *header, const char *name, const char *value)
{
	bev_text_printf(header, "%s: ", name);
	if (is_plain(value) && column(header) + strlen(value) <= LINE_MAX_LEN)
		bev_text_add_string(header, value);
	else
		add_encoded(header, value);
}

static void
add_quoted(BevText *header, const char *name)
{
	bev_text_add(header, "\"", 1);
	for (; *name; name++)
	{
		if (*name == '"' || *name == '\\')
			bev_text_add(header, "\\", 1);
		bev_text_add(header, name, 1);
	}
	bev_text_add(header, "\"", 1);
}

void
bev_header_mailbox(BevText *header, const char *name, const BevMailbox *mailbox)
{
	bev_text_printf(header, "%s: ", name);
	if (mailbox->name[0])
	{
		if (is_plain(mailbox->name) && strlen(mailbox->name) <= LINE_MAX_LEN / 2)
			add_quoted(header, mailbox->name);
		else
			add_encoded(header, mailbox->name);
		if (column(header) + strlen(mailbox->address) + 3 > LINE_MAX_LEN)
			fold(header);
		else
			bev_text_add(header, " ", 1);
	}
	bev_text_printf(header, mailbox->name[0] ? "<%s>" : "%s", mailbox->address);
}

void
bev_header_words(BevText *header, const char *name, const char *value)
{
	bool first = true; /* stays on the line of the name */

	bev_text_printf(header, "%s:", name);
	while (*(value += strspn(value, " ")))
	{
		size_t len = strcspn(value, " ");

		if (column(header) + 1 + len > LINE_MAX_LEN && !first)
			fold(header);
		else
			bev_text_add(header, " ", 1);
		bev_text_add(header, value, len);
		value += len;
		first = false;
	}
}

void
bev_header_date(BevText *header, time_t now)
{
	static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
	                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct tm t;

	gmtime_r(&now, &t);
	/* Not strftime(), which speaks the locale's language. */
	bev_text_printf(header, "Date: %s, %02d %s %d %02d:%02d:%02d +0000", days[t.tm_wday], t.tm_mday,
	                months[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}
