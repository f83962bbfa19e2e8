/*
 * user_facts.c - what tables and a token make of somebody.
 *
 * Failure: doubt narrows.  Who is known by nothing is nobody.
 */
#include "common/event/user_facts.h"

#include <stddef.h>
#include <string.h>

void
bev_user_facts_add_row(BevUserFacts *facts, bool active, const char *role)
{
	facts->rows++;
	facts->inactive += !active;
	if (facts->lower == NULL && strcmp(role, BEV_ROLE_ADMIN) != 0)
		facts->lower = role;
}

BevUserStanding
bev_user_facts_standing(const BevUserFacts *facts)
{
	if (facts->inactive > 0)
		return BEV_USER_INACTIVE;
	if (facts->rows > 0)
		return BEV_USER_ACTIVE;
	if (facts->deleted)
		return BEV_USER_DELETED;
	return facts->unknown ? BEV_USER_UNKNOWN : BEV_USER_UNTOLD;
}

const char *
bev_user_facts_role(const BevUserFacts *facts)
{
	if (facts->token == NULL)
		return facts->lower || facts->rows == 0 ? facts->lower : BEV_ROLE_ADMIN;
	if (strcmp(facts->token, BEV_ROLE_ADMIN) == 0 && facts->lower)
		return facts->lower;
	return facts->token;
}

bool
bev_user_facts_is_admin(const BevUserFacts *facts)
{
	const char *role = bev_user_facts_role(facts);

	if (facts->token == NULL && bev_user_facts_standing(facts) != BEV_USER_ACTIVE)
		return false;
	return role && strcmp(role, BEV_ROLE_ADMIN) == 0;
}
