/*
 * mark.h - tells standbys how far the stream is settled, while no transaction does.
 */
#ifndef BEV_SERVER_DISPATCHER_MARK_H
#define BEV_SERVER_DISPATCHER_MARK_H

#include "postgres.h"

/*
 * Note it (server/journal/settled_mark.h) if that is due.  To be called outside of transactions,
 * while the stream is served and its era is recorded.  Writes and flushes a record of WAL, and
 * waits for no lock.
 */
extern void bev_mark_run(uint64 settled);

/* In how many ms it will be due; -1: not before something is settled. */
extern long bev_mark_due_in(void);

#endif /* BEV_SERVER_DISPATCHER_MARK_H */
