/*
 * user_lookup.h - what the attached tables of users and memberships say of somebody.
 */
#ifndef BE_SERVER_USERS_USER_LOOKUP_H
#define BE_SERVER_USERS_USER_LOOKUP_H

#include "postgres.h"

#include "lib/stringinfo.h"

/* One user who is looked up. */
typedef struct BeRosterEntry
{
	const char *user;			/* the id, UTF-8 */
	StringInfoData access;		/* statements (common/event/access.h) are appended here */
} BeRosterEntry;

typedef enum BeRosterResult
{
	BE_ROSTER_READ,
	BE_ROSTER_NONE,				/* no table is attached that decides */
	BE_ROSTER_TOO_SLOW,			/* or a table is locked */
	BE_ROSTER_BROKEN			/* an error, perhaps for one user only */
} BeRosterResult;

/*
 * Look n users up in all those tables, as the transaction's snapshot shows them, with
 * the rights of the tables' owners; wants a transaction.  Takes no longer than a second.  When it failed,
 * which is logged, what was appended means nothing.
 */
extern BeRosterResult be_roster_read(BeRosterEntry *entries, int n);

/*
 * The same for a session, without limits of its own: to be called in a subtransaction,
 * which can't write from then on; errors are thrown.  False: no table is attached that decides.
 */
extern bool be_roster_collect(BeRosterEntry *entries, int n);

#endif							/* BE_SERVER_USERS_USER_LOOKUP_H */
