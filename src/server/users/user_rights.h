/*
 * user_rights.h - what the attached tables let a user be, and whom that makes of the user.
 */
#ifndef BEV_SERVER_USERS_USER_RIGHTS_H
#define BEV_SERVER_USERS_USER_RIGHTS_H

#include "postgres.h"

#include "common/event/audience.h"
#include "nodes/pg_list.h"

#define BEV_ROLE_ADMIN "admin"

/* All text is UTF-8, and the list palloc'd. */
typedef struct BevUserRights
{
	bool has_row;     /* a table has this user */
	bool active;      /* and none says otherwise than active */
	const char *role; /* the lowest that they say; NULL: no row */
	List *projects;   /* of char *: memberships */
} BevUserRights;

/* What statements (common/event/access.h) about one user amount to. */
extern BevUserRights bev_user_rights_of(BevSpan statements);

/* Is the user an admin by every table that has the user, and by one at least? */
extern bool bev_user_rights_admin(const BevUserRights *rights);

/* The principals of a user who is a member of these projects (char *); palloc'd. */
extern BevPrincipals bev_user_rights_principals(const char *user, List *projects, bool is_admin);

#endif /* BEV_SERVER_USERS_USER_RIGHTS_H */
