/*
 * retention.h - keeping the journal within its bounds of time and size.
 */
#ifndef BEV_SERVER_JOURNAL_RETENTION_H
#define BEV_SERVER_JOURNAL_RETENTION_H

#include "postgres.h"

/*
 * Is something due?  Wants a transaction that holds the journal's locks; bev_retention_run does it.
 */
extern bool bev_retention_is_due(uint64 needed);

/*
 * Do what is due: begin the next segment, or empty the oldest one.  Events behind
 * needed are dropped only if the journal is larger than bugevents.retention_size.
 *
 * To be called by one process at a time, in a transaction with an active snapshot that holds the
 * journal's locks.  A segment that somebody reads or writes is emptied later, not waited for.
 */
extern void bev_retention_run(uint64 needed);

#endif /* BEV_SERVER_JOURNAL_RETENTION_H */
