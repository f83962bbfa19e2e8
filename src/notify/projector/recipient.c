/*
 * recipient.c - who is told of something, and why.
 */
#include "notify/projector/recipient.h"

static bool
is_listed(List *recipients, const char *user)
{
	ListCell *cell;

	foreach (cell, recipients)
		if (strcmp(((BevRecipient *) lfirst(cell))->user, user) == 0)
			return true;
	return false;
}

List *
bev_recipient_add(List *recipients, const char *user, const char *reason)
{
	BevRecipient *one;

	if (user == NULL || *user == '\0' || is_listed(recipients, user))
		return recipients;
	one = palloc(sizeof(*one));
	*one = (BevRecipient){user, reason};
	return lappend(recipients, one);
}

List *
bev_recipient_add_all(List *recipients, List *users, const char *reason)
{
	ListCell *cell;

	foreach (cell, users)
		recipients = bev_recipient_add(recipients, lfirst(cell), reason);
	return recipients;
}

static bool
has(List *users, const char *user)
{
	ListCell *cell;

	foreach (cell, users)
		if (strcmp(lfirst(cell), user) == 0)
			return true;
	return false;
}

List *
bev_recipient_without(List *recipients, List *users)
{
	List *rest = NIL;
	ListCell *cell;

	foreach (cell, recipients)
		if (!has(users, ((BevRecipient *) lfirst(cell))->user))
			rest = lappend(rest, lfirst(cell));
	return rest;
}
