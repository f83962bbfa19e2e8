/*
 * prepared.h - the journal's part in two-phase commit.
 */
#ifndef BE_PREPARED_H
#define BE_PREPARED_H

#include "postgres.h"

#include "access/transam.h"

/*
 * How many events a prepared transaction keeps in journal_part; 0 if none.  They
 * are counted although nobody can see them yet.
 */
extern uint64 be_prepared_count(FullTransactionId xid);

/*
 * Remember which row of the journal announces the transaction, and take back
 * what an earlier attempt to commit it left; be_prepared_forget ends that.
 */
extern void be_prepared_remember(FullTransactionId xid, uint64 last_seq);
extern void be_prepared_forget(FullTransactionId xid);

#endif							/* BE_PREPARED_H */
