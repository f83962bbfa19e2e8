/*
 * visibility.h - whether somebody may see what has an audience, asked in the server.
 *
 * The gateway asks itself that for each client; this is for those who aren't connected.
 */
#ifndef BEV_SERVER_USERS_VISIBILITY_H
#define BEV_SERVER_USERS_VISIBILITY_H

#include "postgres.h"

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
 * Is a user an admin whose token says so: by every table that has the user, and let in?  As above;
 * user is in the server's encoding.
 */
extern bool bev_visibility_is_admin(const char *user);

#endif /* BEV_SERVER_USERS_VISIBILITY_H */
