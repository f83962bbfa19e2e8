/*
 * mailbox.c - an e-mail address, perhaps with a name.
 *
 * Model: narrower than RFC 5322 on purpose.  What passes can be put between < and > in
 * a command or a header without a second thought.  Letters of other languages are as RFC 6531 has
 * them; libcurl says SMTPUTF8 to the server where there are some, and puts domains in ASCII.
 */
#include "carrier/message/mailbox.h"
#include "common/text/utf8.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* A space, or what isn't seen at all: it has no place in an address. */
static bool
has_invisible(const char *text)
{
	static const char *const starts[] = {
		"\xc2\x80", "\xc2\xa0",     "\xc2\xad",     "\xe2\x80",
		"\xe2\x81", "\xe3\x80\x80", "\xef\xbb\xbf", "\xf3\xa0",
	};

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		if (strstr(text, starts[i]))
			return true;
	return false;
}

static bool
is_ascii(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char) text[i] > '~')
			return false;
	return true;
}

/* Words of these characters with single dots between them. */
static bool
is_dotted(const char *text, size_t len, const char *others)
{
	bool dot = true; /* none may come now */

	for (size_t i = 0; i < len; i++)
	{
		if (text[i] == '.' && dot)
			return false;
		dot = text[i] == '.';
		if (!dot && !is_alnum(text[i]) && (unsigned char) text[i] <= '~' &&
		    (text[i] == '\0' || !strchr(others, text[i])))
			return false;
	}
	return !dot;
}

static bool
is_literal(const char *domain, size_t len)
{
	if (len < 3 || domain[0] != '[' || domain[len - 1] != ']')
		return false;
	for (size_t i = 1; i < len - 1; i++)
		if (!is_alnum(domain[i]) && domain[i] != '.' && domain[i] != ':')
			return false;
	return true;
}

static bool
is_address(const char *text)
{
	const char *at = strrchr(text, '@');
	size_t local = at ? (size_t) (at - text) : 0;
	size_t domain = at ? strlen(at + 1) : 0;

	return at && local <= 64 && strlen(text) <= 254 && !has_invisible(text) &&
	       is_dotted(text, local, "!#$%&'*+/=?^_`{|}~-") &&
	       ((is_dotted(at + 1, domain, "-") && at[1] != '-') || is_literal(at + 1, domain));
}

static bool
copy(char *dst, size_t size, const char *text, size_t len)
{
	if (len >= size)
		return false;
	memcpy(dst, text, len);
	dst[len] = '\0';
	return true;
}

/* A name in quotes loses them, and the backslashes in it. */
static bool
read_name(char *name, size_t size, const char *text, size_t len)
{
	size_t n = 0;

	while (len > 0 && text[len - 1] == ' ')
		len--;
	if (len == 0 || text[0] != '"')
		return !memchr(text, '<', len) && !memchr(text, '>', len) && !memchr(text, '"', len) &&
		       copy(name, size, text, len);
	if (len < 2 || text[len - 1] != '"')
		return false;
	for (size_t i = 1; i < len - 1; i++)
	{
		if (text[i] == '"')
			return false;
		if (text[i] == '\\' && ++i == len - 1)
			return false;
		if (n + 1 >= size)
			return false;
		name[n++] = text[i];
	}
	name[n] = '\0';
	return true;
}

bool
bev_mailbox_read(const char *text, BevMailbox *mailbox)
{
	const char *open = strrchr(text, '<');
	size_t len;

	*mailbox = (BevMailbox){0};
	if (!bev_utf8_is_one_line(text))
		return false;
	if (open == NULL)
		return copy(mailbox->address, sizeof(mailbox->address), text, strlen(text)) &&
		       is_address(mailbox->address);
	len = strlen(open + 1);
	return len > 1 && open[len] == '>' &&
	       copy(mailbox->address, sizeof(mailbox->address), open + 1, len - 1) &&
	       is_address(mailbox->address) &&
	       read_name(mailbox->name, sizeof(mailbox->name), text, (size_t) (open - text));
}

/* The address with this domain, if it fits. */
static void
set_domain(BevMailbox *mailbox, const char *domain)
{
	char *at = strrchr(mailbox->address, '@') + 1;
	size_t room = sizeof(mailbox->address) - (size_t) (at - mailbox->address);

	if (strlen(domain) < room)
		snprintf(at, room, "%s", domain);
}

void
bev_mailbox_to_ascii(BevMailbox *mailbox)
{
#ifdef CURLU_PUNYCODE
	const char *at = strrchr(mailbox->address, '@');
	CURLU *url;
	char *domain = NULL;

	if (is_ascii(at, strlen(at)) || !is_ascii(mailbox->address, (size_t) (at - mailbox->address)))
		return;
	url = curl_url();
	if (url && curl_url_set(url, CURLUPART_SCHEME, "http", 0) == CURLUE_OK &&
	    curl_url_set(url, CURLUPART_HOST, at + 1, 0) == CURLUE_OK &&
	    curl_url_get(url, CURLUPART_HOST, &domain, CURLU_PUNYCODE) == CURLUE_OK)
		set_domain(mailbox, domain);
	curl_free(domain);
	curl_url_cleanup(url);
#else
	(void) set_domain;
	(void) is_ascii;
	(void) mailbox;
#endif
}
