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
 * May the user see it?  user is in the server's encoding.  Roles and memberships are those that the
 * attached tables say now; role (may be NULL) counts where there are none.  Where no table says it,
 * nobody is a member of a project.  Throws if the tables can't be read; wants a transaction.
 */
extern bool bev_visibility_may_see(const char *user, const char *role, BevSpan audience);

#endif /* BEV_SERVER_USERS_VISIBILITY_H */
