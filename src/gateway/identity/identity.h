/*
 * identity.h - who a client is and may: what its token says and what tables say.
 *
 * The token says a role and projects.  The tables of users say whether the user is
 * active and which role it has, the tables of memberships add projects (access_update.h).
 * The lower role wins: an admin is who is one by the token and by every table that
 * has the user.  Projects add up.
 *
 * Pure C.
 */
#ifndef BE_GATEWAY_IDENTITY_IDENTITY_H
#define BE_GATEWAY_IDENTITY_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/event/audience.h"
#include "common/event/access.h"
#include "gateway/identity/token.h"

typedef struct BeUserRow
{
	char	   *source;
	char	   *role;
	bool		active;
} BeUserRow;

typedef struct BeMemberRow
{
	char	   *source;
	char	   *project;
} BeMemberRow;

/* All zero: nobody yet. */
typedef struct BeIdentity
{
	/* By the token */
	char	   *role;
	bool		is_admin;
	char	  **project;
	uint32_t	projects;

	/* By the tables */
	uint64_t	as_of;			/* what events up to here say is outdated */
	BeUserRow  *row;
	uint32_t	rows;
	BeMemberRow *member;
	uint32_t	members;
	uint32_t	room;			/* for members */
	bool		deleted;		/* a table had the user */
} BeIdentity;

/* Another token; takes role and projects out of claims. */
extern void be_identity_token(BeIdentity *identity, BeClaims *claims);

/* A statement about this user; true: it changes something. */
extern bool be_identity_take(BeIdentity *identity, const BeAccess *access);

typedef enum BeUserStanding
{
	BE_USER_ACTIVE,
	BE_USER_INACTIVE,
	BE_USER_DELETED,
	BE_USER_UNKNOWN				/* no table has it */
} BeUserStanding;

extern BeUserStanding be_identity_standing(const BeIdentity *identity);

/* The lower of the roles; valid as long as nothing changes. */
extern const char *be_identity_role(const BeIdentity *identity);

/* What the user belongs to; principals are empty before. */
extern void be_identity_principals(const BeIdentity *identity, const char *user_id,
								   BePrincipals *principals);

/* Nothing is known by the tables any more. */
extern void be_identity_forget_tables(BeIdentity *identity);

extern void be_identity_free(BeIdentity *identity);

#endif							/* BE_GATEWAY_IDENTITY_IDENTITY_H */
