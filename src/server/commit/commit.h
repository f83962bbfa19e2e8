/*
 * commit.h - publishing a transaction's events as it commits.
 */
#ifndef BEV_SERVER_COMMIT_COMMIT_H
#define BEV_SERVER_COMMIT_COMMIT_H

#include "postgres.h"

#include "server/journal/journal.h"
#include "server/queue/queue.h"

/*
 * Open the segment of the journal that is being written, and reserve: the two
 * have to fit together.  False when the extension doesn't exist.
 */
extern bool bev_commit_reserve(uint32 n, Size size, BevJournal *journal,
                               BevReservation *reservation);

/* PRE_COMMIT: take seqs for what is pending, if anything, and write it.  May wait and throw. */
extern void bev_commit_begin(void);

/* The transaction is over: publish what was written, or give its seqs back.  Doesn't throw. */
extern void bev_commit_end(bool committed);

#endif /* BEV_SERVER_COMMIT_COMMIT_H */
