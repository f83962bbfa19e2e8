/*
 * user_lookup.h - what the attached tables of users and memberships say of somebody.
 */
#ifndef BEV_SERVER_USERS_USER_LOOKUP_H
#define BEV_SERVER_USERS_USER_LOOKUP_H

#include "postgres.h"

#include "lib/stringinfo.h"

/* One user who is looked up. */
typedef struct BevUserLookupEntry
{
	const char *user;      /* the id, UTF-8 */
	StringInfoData access; /* statements (common/event/access.h) are appended here */
} BevUserLookupEntry;

typedef enum BevUserLookupResult
{
	BEV_USER_LOOKUP_READ,
	BEV_USER_LOOKUP_NONE,   /* no table is attached that decides */
	BEV_USER_LOOKUP_LOCKED, /* a table is locked for the moment */
	BEV_USER_LOOKUP_TOO_SLOW,
	BEV_USER_LOOKUP_BROKEN /* an error, perhaps for one user only */
} BevUserLookupResult;

/*
 * Lock all attached tables for reading, and the catalog that says which these are, if nobody holds
 * a lock against that; until the end of the transaction.  False: somebody does.
 */
extern bool bev_user_lookup_try_lock(void);

/*
 * Look n users up in all those tables, as the transaction's snapshot shows them, with the rights of
 * the tables' owners; wants a transaction.  Takes no longer than a second.  When it failed, which
 * is logged, what was appended means nothing.  Throws only when the worker that calls it is to end,
 * or a limit of time of its own has passed (server/base/time_limit.h).
 */
extern BevUserLookupResult bev_user_lookup_read(BevUserLookupEntry *entries, int n);

/*
 * The same for a session, without limits of its own: to be called in a subtransaction,
 * which can't write from then on; errors are thrown.  False: no table is attached that decides.
 */
extern bool bev_user_lookup_collect(BevUserLookupEntry *entries, int n);

#endif /* BEV_SERVER_USERS_USER_LOOKUP_H */
