/*
 * access.c - statements about who somebody is and may: reading and writing them.
 */
#include "common/event/access.h"

#include <string.h>

/* A terminated string; NULL when there is none. */
static const char *
next_string(BeSpan *rest)
{
	const char *start = rest->data;
	const char *end = rest->len > 0 ? memchr(start, '\0', rest->len) : NULL;

	if (end == NULL)
		return NULL;
	rest->len -= (uint32_t) (end + 1 - start);
	rest->data = end + 1;
	return start;
}

bool
be_access_next(BeSpan *rest, BeAccess *access)
{
	BeSpan		here = *rest;

	if (here.len == 0 || memchr("aidmlv", here.data[0], 6) == NULL)
		return false;
	access->kind = (BeAccessKind) here.data[0];
	here.data++;
	here.len--;
	if ((access->source = next_string(&here)) == NULL ||
		(access->user = next_string(&here)) == NULL ||
		(access->value = next_string(&here)) == NULL)
		return false;
	*rest = here;
	return true;
}

size_t
be_access_size(const BeAccess *access)
{
	return strlen(access->source) + strlen(access->user) + strlen(access->value) + 4;
}

static char *
put_string(char *dst, const char *text)
{
	size_t		size = strlen(text) + 1;

	memcpy(dst, text, size);
	return dst + size;
}

void
be_access_write(char *dst, const BeAccess *access)
{
	*dst++ = (char) access->kind;
	dst = put_string(dst, access->source);
	dst = put_string(dst, access->user);
	put_string(dst, access->value);
}
