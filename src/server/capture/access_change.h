/*
 * access_change.h - what a change of a row says of who somebody is and may.
 */
#ifndef BE_SERVER_CAPTURE_ACCESS_CHANGE_H
#define BE_SERVER_CAPTURE_ACCESS_CHANGE_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "server/attach/mapping.h"
#include "server/capture/row.h"
#include "common/event/access.h"

/* Append a statement to others. */
extern void be_access_append(StringInfo out, BeAccessKind kind, const char *source,
							 const char *user, const char *value);

/* Is a user with this status one who may connect? */
#define BE_STATUS_ACTIVE	"active"

/* The source of a membership: its table, and which of its rows; palloc'd. */
extern char *be_access_membership(Oid table, const char *id, const char *user,
								  const char *project);

/* The statement that makes all others void; a constant. */
extern BeSpan be_access_void(void);

/*
 * What it means that a row which was old (NULL: not there) is new now; empty unless
 * the mapping decides.  Palloc'd.
 */
extern BeSpan be_access_of_change(BeMapping *mapping, BeRow *old, BeRow *new);

#endif							/* BE_SERVER_CAPTURE_ACCESS_CHANGE_H */
