/*
 * parted.h - the transactions whose events are in journal_part.
 */
#ifndef BE_PARTED_H
#define BE_PARTED_H

#include "postgres.h"

#include "access/transam.h"

/* How many events are in journal_part for a transaction, whoever can see them. */
extern uint64 be_parted_count(FullTransactionId xid);

/* Is there any event in journal_part, whoever can see it? */
extern bool be_parted_any(void);

/*
 * Remember with which seq a transaction ends.  If that was known already, of an
 * earlier attempt to commit it, the journal's row of that attempt is deleted.
 * With an active snapshot only if there may have been one.
 */
extern void be_parted_remember(FullTransactionId xid, uint64 last_seq,
							   bool may_repeat);

#endif							/* BE_PARTED_H */
