/*
 * visibility.c - whether somebody may see what has an audience, asked in the server.
 *
 * Model: the rule is the gateways' own (common/event/audience.c), over sets that are read from
 * the tables.
 *
 * Cost: a look at the tables of users and memberships, but for what is for everyone or names the
 * user.
 */
#include "server/users/visibility.h"

#include "common/event/audience.h"
#include "server/encode/database_text.h"
#include "server/users/user_lookup.h"
#include "server/users/user_rights.h"

/* False: what the tables say of the user can't be read, which is logged. */
static bool
read_principals(const char *user, const char *role, BevPrincipals *principals)
{
	BevUserLookupEntry entry = {.user = user};
	BevUserLookupResult result;
	BevUserRights rights;

	initStringInfo(&entry.access);
	result = bev_user_lookup_read(&entry, 1);
	if (result == BEV_USER_LOOKUP_NONE)
	{
		*principals =
			bev_user_rights_principals(user, NIL, role && strcmp(role, BEV_ROLE_ADMIN) == 0);
		return true;
	}
	if (result == BEV_USER_LOOKUP_LOCKED)
		ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
		                errmsg("could not read what user \"%s\" may see", user)));
	if (result != BEV_USER_LOOKUP_READ)
		return false;
	rights = bev_user_rights_of((BevSpan){entry.access.data, (uint32_t) entry.access.len});
	*principals = bev_user_rights_principals(user, rights.projects, bev_user_rights_admin(&rights));
	return true;
}

bool
bev_visibility_may_see(const char *user, const char *role, BevSpan audience)
{
	const char *id = bev_database_text_to_cstring(user);
	uint8_t flags = bev_audience_flags(audience);
	BevPrincipals principals = bev_user_rights_principals(id, NIL, false);

	/* Without lines that narrow it, whoever belongs to more sees no less. */
	if (!(flags & BEV_SEEN_NARROWED) && bev_audience_matches(audience, flags, &principals))
		return true;
	/* Who can't be read sees nothing; others are no worse off. */
	return read_principals(id, role, &principals) &&
	       bev_audience_matches(audience, flags, &principals);
}
