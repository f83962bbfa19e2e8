/*
 * audience.c - who may see an event.
 *
 * Model: the flags settle the common cases (everyone, admins) without a look at any name; what
 * lines with signs narrow is looked at line by line; the rest is a binary search for each principal
 * of the event, so that a member of a thousand projects costs ten comparisons.
 */
#include "common/event/audience.h"

#include <string.h>

uint8_t
bev_audience_flags(BevSpan audience)
{
	BevSpan principal;
	uint8_t flags = 0;

	while (bev_audience_next(&audience, &principal))
	{
		if (bev_span_is(principal, BEV_PRINCIPAL_ALL))
			flags |= BEV_SEEN_BY_ALL;
		else if (bev_span_is(principal, BEV_PRINCIPAL_ADMIN))
			flags |= BEV_SEEN_BY_ADMIN;
		else if (principal.len > 0 && (principal.data[0] == BEV_AUDIENCE_EXCEPT ||
		                               principal.data[0] == BEV_AUDIENCE_ONLY))
			flags |= BEV_SEEN_NARROWED;
		else if (principal.len > 0)
			flags |= BEV_SEEN_BY_NAMED;
	}
	return flags;
}

static int
compare_span(BevSpan span, const char *name)
{
	int order = strncmp(span.data, name, span.len);

	return order != 0 ? order : name[span.len] == '\0' ? 0 : -1;
}

static bool
is_among(BevSpan principal, const BevPrincipals *principals)
{
	uint32_t low = 0;
	uint32_t high = principals->count;

	while (low < high)
	{
		uint32_t middle = (low + high) / 2;
		int order = compare_span(principal, principals->name[middle]);

		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

static bool
belongs(BevSpan principal, const BevPrincipals *principals)
{
	if (bev_span_is(principal, BEV_PRINCIPAL_ALL))
		return true;
	if (bev_span_is(principal, BEV_PRINCIPAL_ADMIN))
		return principals->is_admin;
	return is_among(principal, principals);
}

/* The same with lines that begin with a sign; they are rare. */
static bool
narrowed_allows(BevSpan audience, const BevPrincipals *principals)
{
	bool named = false;
	bool restricted = false;
	bool among_those = false;
	BevSpan line;

	while (bev_audience_next(&audience, &line))
	{
		BevSpan bare = {line.data + 1, line.len - 1};

		if (line.len == 0)
			continue;
		if (line.data[0] == BEV_AUDIENCE_EXCEPT)
		{
			if (belongs(bare, principals))
				return false;
		}
		else if (line.data[0] == BEV_AUDIENCE_ONLY)
		{
			restricted = true;
			among_those |= belongs(bare, principals);
		}
		else
			named |= belongs(line, principals);
	}
	return named && (!restricted || among_those);
}

bool
bev_audience_matches(BevSpan audience, uint8_t flags, const BevPrincipals *principals)
{
	BevSpan principal;

	if (flags & BEV_SEEN_NARROWED)
		return narrowed_allows(audience, principals);
	if (flags & BEV_SEEN_BY_ALL)
		return true;
	if ((flags & BEV_SEEN_BY_ADMIN) && principals->is_admin)
		return true;
	if (!(flags & BEV_SEEN_BY_NAMED))
		return false;
	while (bev_audience_next(&audience, &principal))
		if (principal.len > 0 && is_among(principal, principals))
			return true;
	return false;
}
