/*
 * two_phase.h - publishing what was captured by a prepared transaction.
 */
#ifndef BEV_SERVER_COMMIT_TWO_PHASE_H
#define BEV_SERVER_COMMIT_TWO_PHASE_H

#include "postgres.h"

#include "nodes/nodes.h"
#include "storage/lock.h"

/* Who runs COMMIT PREPARED, and what it holds meanwhile. */
typedef struct BevPublisher
{
	bool announced; /* else there is nothing to publish */
	LOCKTAG lock;   /* of the session, while announced */
} BevPublisher;

/*
 * Before a utility command.  If it is a COMMIT PREPARED of captured changes, their events are
 * announced, which commits the current transaction and begins another.  May wait and throw.
 */
extern void bev_two_phase_announce(const Node *command, bool top_level, BevPublisher *publisher);

/* After it. */
extern void bev_two_phase_publish(const BevPublisher *publisher);

/* The same where the transaction aborts, which releases the lock.  Doesn't throw. */
extern void bev_two_phase_end(void);

#endif /* BEV_SERVER_COMMIT_TWO_PHASE_H */
