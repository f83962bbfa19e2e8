/*
 * row_audience.c - who may see an event: a list of principals.
 *
 * Failure: doubt narrows.  If anything in a row's audience can't be understood,
 * or nothing is in it, the event is for admins only; it is never shown to more
 * than was meant ("nobody at all" isn't all).
 */
#include "server/attach/row_audience.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "server/encode/database_text.h"
#include "common/event/event.h"

/* A longer list is a mistake; every gateway client would be compared with it. */
#define AUDIENCE_MAX_SIZE 65536

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
	       has_prefix(text, len, BEV_PRINCIPAL_PROJECT);
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

char *
bev_row_audience_from_value(Datum value, bool isnull, Oid type)
{
	char *audience = NULL;
	char *bad_word = NULL;
	bool bad = false;

	if (isnull)
		return pstrdup(BEV_PRINCIPAL_ADMIN);

	type = getBaseType(type);
	if (is_text(type))
	{
		text *list = DatumGetTextPP(value);

		audience =
			bev_row_audience_from_list(VARDATA_ANY(list), VARSIZE_ANY_EXHDR(list), &bad_word);
	}
	else if (is_text(get_element_type(type)))
		audience = from_array(value, get_element_type(type), &bad);

	if (bad || bad_word || audience == NULL || *audience == '\0' ||
	    strlen(audience) > AUDIENCE_MAX_SIZE)
		return pstrdup(BEV_PRINCIPAL_ADMIN);
	return audience;
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

static BevSpan
lines_of(const char *audience)
{
	return (BevSpan){audience, (uint32_t) strlen(audience)};
}

static bool
names(const char *audience, BevSpan principal)
{
	BevSpan rest = lines_of(audience);
	BevSpan line;

	while (bev_audience_next(&rest, &line))
		if (line.len == principal.len && memcmp(line.data, principal.data, line.len) == 0)
			return true;
	return false;
}

static bool
is_for_all(const char *audience)
{
	return names(audience, lines_of(BEV_PRINCIPAL_ALL));
}

/* Append the lines of an audience with a sign before each. */
static void
append_signed(StringInfo out, char sign, const char *audience)
{
	BevSpan rest = lines_of(audience);
	BevSpan line;

	while (bev_audience_next(&rest, &line))
	{
		appendStringInfo(out, "\n%c", sign);
		appendBinaryStringInfo(out, line.data, line.len);
	}
}

/* Who belongs to one but not to the other; NULL: nobody. */
static char *
subtract(const char *audience, const char *other)
{
	BevSpan rest = lines_of(audience);
	BevSpan line;
	StringInfoData out;

	initStringInfo(&out);
	while (!is_for_all(other) && bev_audience_next(&rest, &line))
	{
		if (names(other, line))
			continue;
		if (out.len > 0)
			appendStringInfoChar(&out, '\n');
		appendBinaryStringInfo(&out, line.data, line.len);
	}
	if (out.len == 0)
		return NULL;
	append_signed(&out, BEV_AUDIENCE_EXCEPT, other);
	return out.data;
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
		move.kept = both.data;
	}
	return move;
}
