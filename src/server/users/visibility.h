/*
 * visibility.h - whether somebody may see what has an audience, asked in the server.
 *
 * The gateway asks itself that for each client and event; this is for those who aren't connected,
 * and for rows that a client asks for.
 */
#ifndef BEV_SERVER_USERS_VISIBILITY_H
#define BEV_SERVER_USERS_VISIBILITY_H

#include "postgres.h"

#include "common/event/audience.h"
#include "common/event/event.h"

/*
 * Who of n users (in the server's encoding) may see it, by what the attached tables say now?
 * Nobody whom no table of users has, if there is one, or one has as not active; who can't be read,
 * which is logged, sees nothing.  Throws if a table is locked; wants a transaction.
 */
extern void bev_visibility_judge(BevSpan audience, const char *const *users, int n, bool *may_see);

/* The same for one. */
extern bool bev_visibility_may_see(const char *user, BevSpan audience);

/*
 * What a user belongs to whose token says this role and these projects (each with its NUL), by the
 * token and by what the attached tables say now; palloc'd.  False: nobody who is let in, by
 * bugevents.require_user as well.  user is UTF-8.  Throws when the tables can't be read; wants a
 * transaction.
 */
extern bool bev_visibility_of_token(const char *user, const char *role, BevSpan projects,
                                    BevPrincipals *principals);

#endif /* BEV_SERVER_USERS_VISIBILITY_H */
