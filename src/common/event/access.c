/*
 * access.c - statements about who somebody is and may: reading and writing them.
 */
#include "common/event/access.h"

#include <string.h>

/* A terminated string; NULL when there is none. */
static const char *
next_string(BevSpan *rest)
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
bev_access_next(BevSpan *rest, BevAccess *access)
{
	BevSpan here = *rest;

	if (here.len == 0 || memchr("aidumplvfr", here.data[0], 10) == NULL)
		return false;
	access->kind = (BevAccessKind) here.data[0];
	here.data++;
	here.len--;
	if ((access->source = next_string(&here)) == NULL ||
	    (access->user = next_string(&here)) == NULL || (access->value = next_string(&here)) == NULL)
		return false;
	*rest = here;
	return true;
}

BevSpan
bev_access_foreign(void)
{
	static const char statement[] = {BEV_ACCESS_FOREIGN, '\0', '\0', '\0'};

	return (BevSpan){statement, sizeof(statement)};
}

bool
bev_access_is_foreign(BevSpan statements)
{
	return statements.len > 0 && statements.data[0] == BEV_ACCESS_FOREIGN;
}

BevSpan
bev_access_replay(void)
{
	static const char statement[] = {BEV_ACCESS_REPLAY, '\0', '\0', '\0'};

	return (BevSpan){statement, sizeof(statement)};
}

bool
bev_access_is_replay(BevSpan statements)
{
	return statements.len > 0 && statements.data[0] == BEV_ACCESS_REPLAY;
}

size_t
bev_access_size(const BevAccess *access)
{
	return strlen(access->source) + strlen(access->user) + strlen(access->value) + 4;
}

static char *
put_string(char *dst, const char *text)
{
	size_t size = strlen(text) + 1;

	memcpy(dst, text, size);
	return dst + size;
}

void
bev_access_write(char *dst, const BevAccess *access)
{
	*dst++ = (char) access->kind;
	dst = put_string(dst, access->source);
	dst = put_string(dst, access->user);
	put_string(dst, access->value);
}
