/*
 * mention.c - whom a text names with @.
 *
 * Model: a name is what stands behind an @ that does not follow a letter, a digit or one of ._-@/
 * (so the end of an address names nobody): letters, digits and ._- without those that end it, since
 * they end a sentence, too; and no @ behind it.  It is a user's whose username is written exactly
 * so.  What is no ASCII may be part of a name.
 *
 * Cost: one query for the names of a text, and one for each of them that no known user has: up to
 * NAMES_MAX, whatever the text is.
 */
#include "notify/projector/mention.h"

#include "catalog/pg_type.h"
#include "notify/projector/change.h"
#include "notify/projector/person.h"
#include "server/base/statement.h"
#include "utils/array.h"

#define NAMES_MAX 50

static bool
is_plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_of_name(char c)
{
	return is_plain(c) || IS_HIGHBIT_SET(c) || (c != '\0' && strchr("._-", c));
}

static bool
begins_name(const char *text, const char *at)
{
	return at == text || !(is_plain(at[-1]) || strchr("._-@/", at[-1]));
}

/* The name behind an @; NULL: there is none. */
static char *
read_name(const char *begin)
{
	size_t len = 0;

	while (is_of_name(begin[len]))
		len++;
	while (len > 0 && strchr("._-", begin[len - 1]))
		len--;
	return len > 0 && begin[len] != '@' ? pnstrdup(begin, len) : NULL;
}

static bool
has(List *texts, const char *text)
{
	ListCell *cell;

	foreach (cell, texts)
		if (strcmp(lfirst(cell), text) == 0)
			return true;
	return false;
}

static List *
list_names(const char *text, List *but)
{
	List *names = NIL;

	for (const char *at = text; at && list_length(names) < NAMES_MAX; at++)
	{
		char *name;

		at = strchr(at, '@');
		if (at == NULL)
			break;
		name = begins_name(text, at) ? read_name(at + 1) : NULL;
		if (name && !has(names, name) && !has(but, name))
			names = lappend(names, name);
	}
	return names;
}

static BevValue
array_value(List *texts)
{
	Datum *items = palloc(sizeof(Datum) * Max(list_length(texts), 1));
	int n = 0;
	ListCell *cell;

	foreach (cell, texts)
		items[n++] = CStringGetTextDatum(lfirst(cell));
	return (BevValue){TEXTARRAYOID, false,
	                  PointerGetDatum(construct_array(items, n, TEXTOID, -1, false, TYPALIGN_INT))};
}

/* A user from before the table was attached. */
static char *
find_unknown(const char *name)
{
	BevChange change;
	BevPerson person;

	if (!bev_change_current_by(&change, "user", "username", name))
		return NULL;
	bev_person_of_change(&person, &change);
	bev_person_put(&person);
	return pstrdup(person.id);
}

List *
bev_mention_list(const char *text, const char *old)
{
	static BevStatement find = {
		.sql = "SELECT username, id FROM bugevents.people WHERE username = ANY ($1) ORDER BY id"};
	List *names = text ? list_names(text, old ? list_names(old, NIL) : NIL) : NIL;
	List *known = NIL;
	List *users = NIL;
	ListCell *cell;
	uint64 n;

	if (names == NIL)
		return NIL;
	n = bev_statement_with(&find, array_value(names));
	for (uint64 i = 0; i < n; i++)
	{
		known = lappend(known, bev_statement_text(i, 1));
		users = lappend(users, bev_statement_text(i, 2));
	}
	bev_statement_done();
	foreach (cell, names)
	{
		char *user = has(known, lfirst(cell)) ? NULL : find_unknown(lfirst(cell));

		if (user && !has(users, user))
			users = lappend(users, user);
	}
	return users;
}
