/*
 * visibility.c - whether somebody may see what has an audience, asked in the server.
 *
 * Model: the rule is the gateways' own (common/event: user_facts.c, audience.c), over what is read
 * from the tables.  Who isn't connected has no token: the tables alone decide.
 *
 * Failure: where one user can't be read, each is looked up alone, so that the others are judged.
 *
 * Cost: one look at the tables of users and memberships for all who are asked about.
 */
#include "server/users/visibility.h"

#include "common/event/audience.h"
#include "common/pipe/body.h"
#include "server/base/settings.h"
#include "server/encode/database_text.h"
#include "server/users/last_known.h"
#include "server/users/user_lookup.h"
#include "server/users/user_rights.h"

/* Who isn't connected has to be known, once a table says who is. */
static bool
is_let_in(const BevUserFacts *facts, bool unknown_too)
{
	BevUserStanding what = bev_user_facts_standing(facts);

	return what == BEV_USER_ACTIVE || what == BEV_USER_UNTOLD ||
	       (what == BEV_USER_UNKNOWN && unknown_too);
}

static bool
judge(const BevUserLookupEntry *entry, BevSpan audience)
{
	BevUserRights rights =
		bev_user_rights_of((BevSpan){entry->access.data, (uint32_t) entry->access.len});
	BevPrincipals principals = bev_user_rights_principals(entry->user, rights.principals,
	                                                      bev_user_facts_is_admin(&rights.facts));

	return is_let_in(&rights.facts, false) &&
	       bev_audience_matches(audience, bev_audience_flags(audience), &principals);
}

static BevUserLookupResult
look_up(BevUserLookupEntry *entries, int n)
{
	BevUserLookupResult result = bev_user_lookup_read(entries, n);

	if (result == BEV_USER_LOOKUP_LOCKED)
		ereport(ERROR,
		        (errcode(ERRCODE_LOCK_NOT_AVAILABLE), errmsg("could not read what users may see"),
		         errdetail("A table of entity user or membership is locked.")));
	return result;
}

/* Who can't be read gets user NULL. */
static void
look_up_each(BevUserLookupEntry *entries, int n)
{
	for (int i = 0; i < n; i++)
	{
		resetStringInfo(&entries[i].access);
		if (n == 1 || look_up(&entries[i], 1) != BEV_USER_LOOKUP_READ)
			entries[i].user = NULL;
	}
}

void
bev_visibility_judge(BevSpan audience, const char *const *users, int n, bool *may_see)
{
	BevUserLookupEntry *entries = palloc(sizeof(BevUserLookupEntry) * Max(n, 1));
	BevUserLookupResult result;

	for (int i = 0; i < n; i++)
	{
		entries[i].user = bev_database_text_to_cstring(users[i]);
		initStringInfo(&entries[i].access);
	}
	result = look_up(entries, n);
	if (result == BEV_USER_LOOKUP_BROKEN)
		look_up_each(entries, n);
	for (int i = 0; i < n; i++)
		may_see[i] =
			result != BEV_USER_LOOKUP_TOO_SLOW && entries[i].user && judge(&entries[i], audience);
}

bool
bev_visibility_may_see(const char *user, BevSpan audience)
{
	bool may_see;

	bev_visibility_judge(audience, &user, 1, &may_see);
	return may_see;
}

static List *
add_projects(List *principals, BevSpan projects)
{
	const char *project;

	while (bev_body_next_project(&projects, &project))
		principals = lappend(principals, psprintf(BEV_PRINCIPAL_PROJECT "%s", project));
	return principals;
}

bool
bev_visibility_of_token(const char *user, const char *role, BevSpan projects,
                        BevPrincipals *principals)
{
	BevUserLookupEntry entry = {.user = user};
	BevUserLookupResult result;
	BevUserRights rights;

	initStringInfo(&entry.access);
	if (bev_user_lookup_try_lock() || !bev_last_known_recall(user, &entry.access))
	{
		result = look_up(&entry, 1);
		if (result != BEV_USER_LOOKUP_READ && result != BEV_USER_LOOKUP_NONE)
			ereport(ERROR, (errmsg("could not read what a user may see")));
		bev_last_known_keep(user, &entry.access);
	}
	rights = bev_user_rights_of((BevSpan){entry.access.data, (uint32_t) entry.access.len});
	rights.facts.token = role;
	*principals = bev_user_rights_principals(user, add_projects(rights.principals, projects),
	                                         bev_user_facts_is_admin(&rights.facts));
	return is_let_in(&rights.facts, !bev_require_user);
}
