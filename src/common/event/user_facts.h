/*
 * user_facts.h - what tables and a token make of somebody.
 *
 * The rule who sees an event has two halves: this one, who somebody is, and audience.h, whom
 * the event is for.  docs/security.md has it as a statement in SQL.  Gateways ask it for who is
 * connected, with a token; the server asks it for who isn't, without one.
 *
 * Of several tables that have somebody the lowest counts, and the token bounds that once more.
 *
 * Pure C.
 */
#ifndef BEV_COMMON_EVENT_USER_FACTS_H
#define BEV_COMMON_EVENT_USER_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#define BEV_ROLE_ADMIN "admin"

typedef enum BevUserStanding
{
	BEV_USER_ACTIVE,
	BEV_USER_INACTIVE,
	BEV_USER_DELETED, /* a table had it */
	BEV_USER_UNKNOWN, /* no table of users has it */
	BEV_USER_UNTOLD   /* there is no table of users */
} BevUserStanding;

/* All zero: nothing is known.  The texts are the caller's. */
typedef struct BevUserFacts
{
	uint32_t rows;     /* of users that have this one */
	uint32_t inactive; /* of these */
	const char *lower; /* a role in one of them that isn't admin; NULL: none */
	bool deleted;
	bool unknown;      /* there is a table of users, and none has this one */
	const char *token; /* the role by the token; NULL: not connected */
} BevUserFacts;

/* What one more row of a table of users says. */
extern void bev_user_facts_add_row(BevUserFacts *facts, bool active, const char *role);

extern BevUserStanding bev_user_facts_standing(const BevUserFacts *facts);

/* The role that counts; NULL: none is known. */
extern const char *bev_user_facts_role(const BevUserFacts *facts);

/*
 * An admin is who is one by every table that has the user, and by the token; without a token, by
 * one table at least, and only while active.
 */
extern bool bev_user_facts_is_admin(const BevUserFacts *facts);

#endif /* BEV_COMMON_EVENT_USER_FACTS_H */
