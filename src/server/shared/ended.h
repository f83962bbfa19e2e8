/*
 * ended.h - the connections that have ended lately, and those that were refused.
 *
 * They answer why an event did not arrive (bugevents.explain_delivery()).  The dispatcher
 * is the only one that writes them.
 */
#ifndef BEV_SERVER_SHARED_ENDED_H
#define BEV_SERVER_SHARED_ENDED_H

#include "postgres.h"

#include "server/base/shared_area.h"
#include "server/shared/clients.h"
#include "nodes/pg_list.h"

typedef struct BevEndedClient
{
	BevConnection client; /* as it was at its end; connected_at of a refused one: the first time */
	TimestampTz ended_at;
	int code;                           /* of the close frame; 1006: there was none */
	char reason[BEV_CLIENT_REASON_LEN]; /* in it, in ASCII; why it was refused */
	int refusals;                       /* 0: it had been let in */
} BevEndedClient;

extern const BevSharedArea bev_ended_area;

/* For the dispatcher: remember the end of one that was connected. */
extern void bev_ended_add(const BevConnection *client, int code, const char *reason);

/*
 * For the dispatcher: remember that one was refused.  Again and again for the same reason is once.
 */
extern void bev_ended_add_refused(const BevConnection *client, const char *reason);

/*
 * Copies (BevEndedClient *) of what is kept of this user, the oldest first; in the current context.
 */
extern List *bev_ended_of(const char *user);

/* What ended since then is kept. */
extern TimestampTz bev_ended_kept_since(void);

#endif /* BEV_SERVER_SHARED_ENDED_H */
