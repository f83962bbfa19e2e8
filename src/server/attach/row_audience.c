/*
 * row_audience.c - who may see an event: a list of principals.
 *
 * Model: what attach() or send() is given as a constant is a list.  A value that an expression gave
 * is not split: a text is one principal, an element of a text[] is one.  So what stands in a row, a
 * project called "1 all", adds nobody (sql/principals.sql).
 *
 * Failure: doubt narrows.  If anything in a row's audience can't be understood, nothing is in it,
 * or it is too large, the event is for admins only, counted and warned of; "nobody at all" isn't
 * all (sql/principals.sql).
 *
 * Cost: a large audience is sorted, so that neither comparing two of them nor finding somebody in
 * one (common/event/audience.c) takes more than a look at each line.
 */
#include "server/attach/row_audience.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "common/event/audience.h"
#include "server/encode/database_text.h"
#include "server/shared/counters.h"

static bool
has_prefix(const char *text, Size len, const char *prefix)
{
	Size n = strlen(prefix);

	return len > n && memcmp(text, prefix, n) == 0;
}

static bool
is_principal(const char *text, Size len)
{
	for (Size i = 0; i < len; i++)
	{
		if ((unsigned char) text[i] < ' ')
			return false;
	}
	return (len == strlen(BEV_PRINCIPAL_ALL) && memcmp(text, BEV_PRINCIPAL_ALL, len) == 0) ||
	       (len == strlen(BEV_PRINCIPAL_ADMIN) && memcmp(text, BEV_PRINCIPAL_ADMIN, len) == 0) ||
	       has_prefix(text, len, BEV_PRINCIPAL_USER) ||
	       has_prefix(text, len, BEV_PRINCIPAL_PROJECT) ||
	       has_prefix(text, len, BEV_PRINCIPAL_GROUP);
}

static bool
add_principal(StringInfo out, const char *text, Size len)
{
	if (!is_principal(text, len))
		return false;
	if (out->len > 0)
		appendStringInfoChar(out, '\n');
	appendBinaryStringInfo(out, text, len);
	return true;
}

bool
bev_row_audience_has_members(const char *principal)
{
	return is_principal(principal, strlen(principal)) && strchr(principal, ':') != NULL;
}

static inline bool
separates(char c)
{
	return c == ',' || c == ' ' || (c >= '\t' && c <= '\r');
}

/* The end of the principal that begins here: "..." may hold separators. */
static const char *
principal_end(const char *start, const char *end)
{
	const char *p = start;

	if (*p == '"')
	{
		const char *quote = memchr(p + 1, '"', end - p - 1);

		return quote ? quote + 1 : end;
	}
	while (p < end && !separates(*p))
		p++;
	return p;
}

char *
bev_row_audience_from_list(const char *list, Size len, char **bad)
{
	const char *end = list + len;
	StringInfoData out;

	if (bad)
		*bad = NULL;
	initStringInfo(&out);
	for (;;)
	{
		const char *start;

		while (list < end && separates(*list))
			list++;
		if (list == end)
			break;
		start = list;
		list = principal_end(start, end);
		if (*start == '"' && list - start > 1 && list[-1] == '"' ?
		        add_principal(&out, start + 1, list - start - 2) :
		        add_principal(&out, start, list - start))
			continue;
		if (bad && *bad == NULL)
			*bad = pnstrdup(start, list - start);
	}
	return (char *) bev_database_text_to_cstring(out.data);
}

static bool
is_text(Oid type)
{
	return type == TEXTOID || type == VARCHAROID;
}

bool
bev_row_audience_takes_type(Oid type)
{
	type = getBaseType(type);
	return is_text(type) || is_text(get_element_type(type));
}

static char *
from_array(Datum value, Oid element_type, bool *bad)
{
	ArrayType *array = DatumGetArrayTypeP(value);
	StringInfoData out;
	Datum *items;
	bool *nulls;
	int n;

	initStringInfo(&out);
	deconstruct_array(array, element_type, -1, false, TYPALIGN_INT, &items, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		text *item;

		if (nulls[i])
			continue;
		item = DatumGetTextPP(items[i]);
		if (!add_principal(&out, VARDATA_ANY(item), VARSIZE_ANY_EXHDR(item)))
			*bad = true;
	}
	return (char *) bev_database_text_to_cstring(out.data);
}

/* ---- what an expression gave ---- */

static int
compare_lines(const void *a, const void *b)
{
	const BevSpan *left = a;
	const BevSpan *right = b;
	int order = memcmp(left->data, right->data, Min(left->len, right->len));

	return order != 0 ? order : (left->len > right->len) - (left->len < right->len);
}

/* Its lines, sorted as bytes; palloc'd. */
static BevSpan *
sort_lines(const char *audience, uint32 *n)
{
	BevSpan rest = {audience, (uint32) strlen(audience)};
	uint32 room = 16;
	BevSpan *lines = palloc(sizeof(BevSpan) * room);
	BevSpan line;

	*n = 0;
	while (bev_audience_next(&rest, &line))
	{
		if (*n == room)
		{
			room *= 2;
			lines = repalloc_huge(lines, sizeof(BevSpan) * room);
		}
		lines[(*n)++] = line;
	}
	qsort(lines, *n, sizeof(BevSpan), compare_lines);
	return lines;
}

/* The same audience, with each line once and in order if it is a large one. */
static char *
in_order(char *audience)
{
	StringInfoData out;
	BevSpan *lines;
	uint32 n;

	if (strlen(audience) < BEV_AUDIENCE_LARGE)
		return audience;
	lines = sort_lines(audience, &n);
	initStringInfo(&out);
	for (uint32 i = 0; i < n; i++)
	{
		if (i > 0 && compare_lines(&lines[i - 1], &lines[i]) == 0)
			continue;
		if (out.len > 0)
			appendStringInfoChar(&out, '\n');
		appendBinaryStringInfo(&out, lines[i].data, (int) lines[i].len);
	}
	pfree(lines);
	return out.data;
}

/* Admins only, since the value is none.  Counted each time, and said once in a transaction. */
static char *
refuse(const char *what)
{
	static TimestampTz told = 0;

	bev_counters_audience_refused();
	if (told != GetCurrentTransactionStartTimestamp())
	{
		told = GetCurrentTransactionStartTimestamp();
		ereport(
			WARNING,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		     errmsg("an audience %s, so only admins see the event", what),
		     errhint("It has to be a text[] of principals, or a text that is one principal, of up "
		             "to %d bytes in all; bugevents.principal() makes them, and a group stands for "
		             "many users.",
		             BEV_AUDIENCE_MAX)));
	}
	return pstrdup(BEV_PRINCIPAL_ADMIN);
}

char *
bev_row_audience_from_value(Datum value, bool isnull, Oid type)
{
	char *audience;
	bool bad = false;

	if (isnull)
		return pstrdup(BEV_PRINCIPAL_ADMIN);
	type = getBaseType(type);
	if (is_text(type))
	{
		text *one = DatumGetTextPP(value);
		StringInfoData out;

		initStringInfo(&out);
		bad = !add_principal(&out, VARDATA_ANY(one), VARSIZE_ANY_EXHDR(one));
		audience = (char *) bev_database_text_to_cstring(out.data);
	}
	else
		audience = from_array(value, get_element_type(type), &bad);

	if (bad)
		return refuse("is no principal, or has an element that is none");
	if (strlen(audience) > BEV_AUDIENCE_MAX)
		return refuse("is too large");
	return *audience ? in_order(audience) : pstrdup(BEV_PRINCIPAL_ADMIN);
}

const char *
bev_row_audience_default(const BevEntity *entity, const char *action, const char *person)
{
	StringInfoData out;

	if (!bev_entity_can_decide(entity))
		return BEV_PRINCIPAL_ALL;
	if (entity->id == BEV_USER && strcmp(action, "updated") != 0)
		return BEV_PRINCIPAL_ADMIN;

	initStringInfo(&out);
	(void) add_principal(&out, BEV_PRINCIPAL_ADMIN, strlen(BEV_PRINCIPAL_ADMIN));
	person = psprintf("%s%s", BEV_PRINCIPAL_USER, person);
	(void) add_principal(&out, person, strlen(person));
	return out.data;
}

/* ---- an audience that changes ---- */

static bool
names(const BevSpan *lines, uint32 n, BevSpan principal)
{
	return n > 0 && bsearch(&principal, lines, n, sizeof(BevSpan), compare_lines) != NULL;
}

/* Append the lines of an audience with a sign before each. */
static void
append_signed(StringInfo out, char sign, const char *audience)
{
	BevSpan rest = {audience, (uint32) strlen(audience)};
	BevSpan line;

	while (bev_audience_next(&rest, &line))
	{
		appendStringInfo(out, "\n%c", sign);
		appendBinaryStringInfo(out, line.data, (int) line.len);
	}
}

/* Who belongs to one but not to the other; NULL: nobody. */
static char *
subtract(const char *audience, const char *other)
{
	static const BevSpan all = {BEV_PRINCIPAL_ALL, sizeof(BEV_PRINCIPAL_ALL) - 1};
	BevSpan rest = {audience, (uint32) strlen(audience)};
	uint32 n;
	BevSpan *others = sort_lines(other, &n);
	bool for_all = names(others, n, all);
	BevSpan line;
	StringInfoData out;

	initStringInfo(&out);
	while (!for_all && bev_audience_next(&rest, &line))
	{
		if (names(others, n, line))
			continue;
		if (out.len > 0)
			appendStringInfoChar(&out, '\n');
		appendBinaryStringInfo(&out, line.data, (int) line.len);
	}
	pfree(others);
	if (out.len == 0)
		return NULL;
	append_signed(&out, BEV_AUDIENCE_EXCEPT, other);
	return in_order(out.data);
}

BevMove
bev_row_audience_move(const char *old, const char *new)
{
	BevMove move = {.kept = new};
	StringInfoData both;

	if (old == new || strcmp(old, new) == 0)
		return move; /* as almost always */
	move.lost = subtract(old, new);
	move.gained = subtract(new, old);
	if (move.gained)
	{
		initStringInfo(&both);
		appendStringInfoString(&both, new);
		append_signed(&both, BEV_AUDIENCE_ONLY, old);
		move.kept = in_order(both.data);
	}
	return move;
}
