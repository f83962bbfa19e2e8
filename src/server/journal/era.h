/*
 * era.h - the eras of the stream: which positions are of this database's history.
 */
#ifndef BEV_SERVER_JOURNAL_ERA_H
#define BEV_SERVER_JOURNAL_ERA_H

#include "postgres.h"

#include "common/pipe/message.h"
#include "server/journal/stream_row.h"

/*
 * To be called before seqs are taken, when they are given out: the era in which they are is in the
 * database if what is written with them is.  May wait for a lock; two reads of shared memory once
 * the era is there.  Throws what an INSERT does.
 */
extern void bev_era_mark(void);

/* When that transaction has ended; doesn't throw. */
extern void bev_era_end_transaction(bool committed);

/*
 * Is the stream's era recorded, so that it may be served?  Otherwise it is recorded with this
 * transaction, and row is out of date.  skip_seq gives a seq behind all positions.  For the
 * dispatcher, in a transaction with a snapshot; doesn't wait for a lock if the caller has those of
 * the tables; its time grows with what the journal has behind the last seq that is decided by what
 * its rows say.
 */
extern bool bev_era_is_recorded(const BevStreamRow *row, uint64 (*skip_seq)(void));

/*
 * For a standby, where an era's seqs may be there ahead of what names it the stream's.  The base of
 * an era that was recorded; false: it wasn't.  And the least base above it, PG_UINT64_MAX if there
 * is none.  No SQL; otherwise as above.
 */
extern bool bev_era_base(const pg_uuid_t *era, uint64 *base);
extern uint64 bev_era_next_base(uint64 base);

/*
 * The eras that ended, the last ones first, in memory of the current context; those whose end is
 * dropped are left out.  As above.
 */
extern int bev_era_list(uint64 dropped, BevPastEra **eras);

#endif /* BEV_SERVER_JOURNAL_ERA_H */
