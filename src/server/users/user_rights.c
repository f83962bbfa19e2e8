/*
 * user_rights.c - what the attached tables let a user be, and whom that makes of the user.
 *
 * Model: the rule is the gateways' own (common/event/user_facts.c); memberships add up, as there.
 */
#include "server/users/user_rights.h"

#include "common/event/access.h"

static void
take(BevUserRights *rights, const BevAccess *access)
{
	switch (access->kind)
	{
		case BEV_ACCESS_MEMBER:
			rights->principals =
				lappend(rights->principals, psprintf(BEV_PRINCIPAL_PROJECT "%s", access->value));
			break;
		case BEV_ACCESS_BELONGS:
			rights->principals = lappend(rights->principals, pstrdup(access->value));
			break;
		case BEV_ACCESS_UNKNOWN:
			rights->facts.unknown = true;
			break;
		default:
			bev_user_facts_add_row(&rights->facts, access->kind == BEV_ACCESS_ACTIVE,
			                       pstrdup(access->value));
	}
}

BevUserRights
bev_user_rights_of(BevSpan statements)
{
	BevUserRights rights = {.principals = NIL};
	BevAccess access;

	while (bev_access_next(&statements, &access))
		take(&rights, &access);
	return rights;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Those that are there twice are found as well as others. */
BevPrincipals
bev_user_rights_principals(const char *user, List *others, bool is_admin)
{
	BevPrincipals principals = {.is_admin = is_admin};
	ListCell *cell;

	principals.name = palloc(sizeof(char *) * (list_length(others) + 1));
	principals.name[principals.count++] = psprintf(BEV_PRINCIPAL_USER "%s", user);
	foreach (cell, others)
	{
		principals.name[principals.count++] = lfirst(cell);
	}
	qsort(principals.name, principals.count, sizeof(char *), compare_names);
	return principals;
}
