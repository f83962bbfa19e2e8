/*
 * audience.c - who may see an event.
 *
 * Model: the flags settle the common cases (everyone, admins) without a look at any name; what
 * lines with signs narrow is looked at line by line; the rest is a binary search for each principal
 * of the event, so that a member of a thousand projects costs ten comparisons.  In a large
 * audience, whose lines are sorted, it is the other way round: each of the client's principals is
 * searched for.  audience_test.c compares the two.
 */
#include "common/event/audience.h"

#include <string.h>

static int
compare_spans(BevSpan left, BevSpan right)
{
	int order = memcmp(left.data, right.data, left.len < right.len ? left.len : right.len);

	return order != 0 ? order : (left.len > right.len) - (left.len < right.len);
}

static bool
is_sorted(BevSpan audience)
{
	BevSpan before = {audience.data, 0};
	BevSpan line;

	if (audience.len < BEV_AUDIENCE_LARGE)
		return false;
	while (bev_audience_next(&audience, &line))
	{
		if (line.len == 0 || compare_spans(before, line) > 0)
			return false;
		before = line;
	}
	return true;
}

uint8_t
bev_audience_flags(BevSpan audience)
{
	uint8_t sorted = is_sorted(audience) ? BEV_SEEN_SORTED : 0;
	BevSpan principal;
	uint8_t flags = sorted;

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

/* ---- a large audience ---- */

/* The line that byte i is in. */
static BevSpan
line_at(BevSpan audience, uint32_t i)
{
	uint32_t start = i;
	uint32_t end = i;

	while (start > 0 && audience.data[start - 1] != '\n')
		start--;
	while (end < audience.len && audience.data[end] != '\n')
		end++;
	return (BevSpan){audience.data + start, end - start};
}

/* Compare a line with sign (if it isn't 0) and name; or, with a NULL, with the sign alone. */
static int
compare_signed(BevSpan line, char sign, const char *name)
{
	if (sign && (line.len == 0 || line.data[0] != sign))
		return line.len == 0 ? -1 : (unsigned char) line.data[0] - (unsigned char) sign;
	if (name == NULL)
		return 0;
	return compare_span(sign ? (BevSpan){line.data + 1, line.len - 1} : line, name);
}

static bool
has_line(BevSpan audience, char sign, const char *name)
{
	uint32_t low = 0;
	uint32_t high = audience.len;

	while (low < high)
	{
		BevSpan line = line_at(audience, low + (high - low) / 2);
		uint32_t start = (uint32_t) (line.data - audience.data);
		int order = compare_signed(line, sign, name);

		if (order == 0)
			return true;
		if (order > 0)
			high = start;
		else
			low = start + line.len + 1;
	}
	return false;
}

static bool
has_any(BevSpan audience, char sign, const BevPrincipals *principals)
{
	if (has_line(audience, sign, BEV_PRINCIPAL_ALL) ||
	    (principals->is_admin && has_line(audience, sign, BEV_PRINCIPAL_ADMIN)))
		return true;
	for (uint32_t i = 0; i < principals->count; i++)
		if (has_line(audience, sign, principals->name[i]))
			return true;
	return false;
}

static bool
sorted_allows(BevSpan audience, uint8_t flags, const BevPrincipals *principals)
{
	if (!has_any(audience, '\0', principals))
		return false;
	if (!(flags & BEV_SEEN_NARROWED))
		return true;
	return !has_any(audience, BEV_AUDIENCE_EXCEPT, principals) &&
	       (!has_line(audience, BEV_AUDIENCE_ONLY, NULL) ||
	        has_any(audience, BEV_AUDIENCE_ONLY, principals));
}

bool
bev_audience_matches(BevSpan audience, uint8_t flags, const BevPrincipals *principals)
{
	BevSpan principal;

	if (flags & BEV_SEEN_SORTED)
		return sorted_allows(audience, flags, principals);
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
