/*
 * identity.h - who a client is and may: what its token says and what tables say.
 *
 * The token says a role and projects.  The tables of users say whether the user is
 * active and which role it has, the tables of memberships add principals (access_update.h).
 * The lower role wins: an admin is who is one by the token and by every table that
 * has the user.  Projects add up.
 *
 * Pure C.
 */
#ifndef BEV_GATEWAY_IDENTITY_IDENTITY_H
#define BEV_GATEWAY_IDENTITY_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/identity/principals.h"
#include "common/event/access.h"
#include "common/event/user_facts.h"

typedef struct BevUserRow
{
	char *source;
	char *role;
	bool active;
} BevUserRow;

typedef struct BevMemberRow
{
	char *source;
	char *principal;
} BevMemberRow;

/* All zero: nobody yet. */
typedef struct BevIdentity
{
	/* By the token */
	char *role;
	char **project;
	uint32_t projects;

	/* By the tables */
	uint64_t as_of; /* what events up to here say is outdated */
	BevUserRow *row;
	uint32_t rows;
	BevMemberRow *member;
	uint32_t members;
	uint32_t room; /* for members */
	bool deleted;  /* a table had the user */
	bool unknown;  /* none has, when it was looked up */
} BevIdentity;

/* Another token, which says this role, and so many projects, each with its NUL. */
extern void bev_identity_token(BevIdentity *identity, const char *role, BevSpan projects);

/* A statement about this user; true: it changes something. */
extern bool bev_identity_take(BevIdentity *identity, const BevAccess *access);

extern BevUserStanding bev_identity_standing(const BevIdentity *identity);

/* The lower of the roles; valid as long as nothing changes. */
extern const char *bev_identity_role(const BevIdentity *identity);

/* What the user belongs to; principals are empty before. */
extern void bev_identity_principals(const BevIdentity *identity, const char *user_id,
                                    BevPrincipals *principals);

/* Nothing is known by the tables any more. */
extern void bev_identity_forget_tables(BevIdentity *identity);

extern void bev_identity_free(BevIdentity *identity);

#endif /* BEV_GATEWAY_IDENTITY_IDENTITY_H */
