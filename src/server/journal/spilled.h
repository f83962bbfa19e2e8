/*
 * spilled.h - the transactions whose events are in journal_part.
 */
#ifndef BEV_SERVER_JOURNAL_SPILLED_H
#define BEV_SERVER_JOURNAL_SPILLED_H

#include "postgres.h"

#include "access/transam.h"

/* How many events are in journal_part for a transaction, whoever can see them. */
extern uint64 bev_spilled_count(FullTransactionId xid);

/* Is there any event in journal_part, whoever can see it? */
extern bool bev_spilled_any(void);

/*
 * Take the locks that bev_spilled_remember needs, which may have to be waited for:
 * before there is a seq to remember.
 */
extern void bev_spilled_lock(void);

/*
 * Take back what an earlier attempt to commit this transaction announced, if there
 * was one.  May wait for locks.
 */
extern void bev_spilled_forget(FullTransactionId xid);

/* Remember with which seq a transaction ends. */
extern void bev_spilled_remember(FullTransactionId xid, uint64 last_seq);

#endif /* BEV_SERVER_JOURNAL_SPILLED_H */
