/*
 * user_rights.c - what the attached tables let a user be, and whom that makes of the user.
 *
 * Model: of several tables that have the user the lowest role counts, and memberships add up, as
 * in a gateway (gateway/identity/identity.h).
 */
#include "server/users/user_rights.h"

#include "common/event/access.h"

static void
take_statement(BevUserRights *rights, const BevAccess *access)
{
	if (access->kind == BEV_ACCESS_MEMBER)
	{
		rights->projects = lappend(rights->projects, pstrdup(access->value));
		return;
	}
	if (access->kind == BEV_ACCESS_INACTIVE)
		rights->active = false;
	if (!rights->has_row || strcmp(access->value, BEV_ROLE_ADMIN) != 0)
		rights->role = pstrdup(access->value);
	rights->has_row = true;
}

BevUserRights
bev_user_rights_of(BevSpan statements)
{
	BevUserRights rights = {.active = true};
	BevAccess access;

	while (bev_access_next(&statements, &access))
		take_statement(&rights, &access);
	return rights;
}

bool
bev_user_rights_admin(const BevUserRights *rights)
{
	return rights->has_row && rights->active && strcmp(rights->role, BEV_ROLE_ADMIN) == 0;
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
