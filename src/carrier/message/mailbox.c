/*
 * mailbox.c - an e-mail address, perhaps with a name.
 *
 * Model: narrower than RFC 5322 on purpose.  What passes can be put between < and > in
 * a command or a header without a second thought.
 */
#include "carrier/message/mailbox.h"
#include "common/text/utf8.h"

#include <string.h>

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
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
		if (!dot && !is_alnum(text[i]) && (text[i] == '\0' || !strchr(others, text[i])))
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

	return at && local <= 64 && strlen(text) <= 254 &&
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
