/*
 * user_rights.h - what the attached tables let a user be, and whom that makes of the user.
 */
#ifndef BEV_SERVER_USERS_USER_RIGHTS_H
#define BEV_SERVER_USERS_USER_RIGHTS_H

#include "postgres.h"

#include "common/event/audience.h"
#include "common/event/user_facts.h"
#include "nodes/pg_list.h"

/* All text is UTF-8, and palloc'd. */
typedef struct BevUserRights
{
	BevUserFacts facts;
	List *principals; /* of char *: by memberships */
} BevUserRights;

/* What statements (common/event/access.h) about one user amount to. */
extern BevUserRights bev_user_rights_of(BevSpan statements);

/* All principals of a user who belongs to these (char *); palloc'd. */
extern BevPrincipals bev_user_rights_principals(const char *user, List *others, bool is_admin);

#endif /* BEV_SERVER_USERS_USER_RIGHTS_H */
