/*
 * user_rights.c - what the attached tables let a user be, and whom that makes of the user.
 *
 * Model: the rule is the gateways' own (common/event/user_facts.c); memberships add up, as there.
 */
#include "server/users/user_rights.h"

#include "common/event/access.h"

BevUserRights
bev_user_rights_of(BevSpan statements)
{
	BevUserRights rights = {.projects = NIL};
	BevAccess access;

	while (bev_access_next(&statements, &access))
	{
		if (access.kind == BEV_ACCESS_MEMBER)
			rights.projects = lappend(rights.projects, pstrdup(access.value));
		else
			bev_user_facts_add_row(&rights.facts, access.kind == BEV_ACCESS_ACTIVE,
			                       pstrdup(access.value));
	}
	return rights;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Those that are there twice are found as well as others. */
BevPrincipals
bev_user_rights_principals(const char *user, List *projects, bool is_admin)
{
	BevPrincipals principals = {.is_admin = is_admin};
	ListCell *cell;

	principals.name = palloc(sizeof(char *) * (list_length(projects) + 1));
	principals.name[principals.count++] = psprintf(BEV_PRINCIPAL_USER "%s", user);
	foreach (cell, projects)
	{
		principals.name[principals.count++] =
			psprintf(BEV_PRINCIPAL_PROJECT "%s", (char *) lfirst(cell));
	}
	qsort(principals.name, principals.count, sizeof(char *), compare_names);
	return principals;
}
