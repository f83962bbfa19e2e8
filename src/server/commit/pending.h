/*
 * pending.h - the events of the transaction that is under way.
 */
#ifndef BEV_SERVER_COMMIT_PENDING_H
#define BEV_SERVER_COMMIT_PENDING_H

#include "postgres.h"

#include "access/transam.h"

/*
 * Room for one event record (event.h) of size bytes, which the caller fills at
 * once.  The event belongs to the current subtransaction and vanishes with it;
 * whatever remains is published when the transaction commits.  Throws when the
 * transaction can't publish any more (it is committing already).
 */
extern char *bev_pending_reserve(Size size);

/* What is there to publish. */
typedef struct BevPending
{
	uint32 n;      /* events */
	bool spilled;  /* all of them are in journal_part now */
	char *records; /* else: a buffer as bev_journal_insert wants it */
	Size size;     /* bytes of records in it */
} BevPending;

/*
 * For commit: nothing can be added from now on.  False when there is nothing to
 * publish.  If anything was spilled, the rest is written out as well.
 */
extern bool bev_pending_finish(BevPending *pending);

/* For PREPARE TRANSACTION: write everything to journal_part. */
extern void bev_pending_spill(void);

/* Is anything pending? */
extern bool bev_pending_exists(void);

/* The transaction is over.  Doesn't throw. */
extern void bev_pending_reset(void);

/*
 * Subtransactions: level is that of the one that ends.  Before it commits, it may
 * have to be written out, which may throw; the other two don't.
 */
extern void bev_pending_before_commit_level(int level);
extern void bev_pending_commit_level(int level);
extern void bev_pending_abort_level(int level);

#endif /* BEV_SERVER_COMMIT_PENDING_H */
