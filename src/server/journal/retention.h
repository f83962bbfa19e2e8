/*
 * retention.h - keeping the journal within its bounds of time and size.
 */
#ifndef BEV_SERVER_JOURNAL_RETENTION_H
#define BEV_SERVER_JOURNAL_RETENTION_H

#include "postgres.h"

/*
 * Do what is due: begin the next segment, or empty the oldest one.  Events behind
 * needed are dropped only if the journal is larger than bugevents.retention_size.
 * Returns the seq up to which something was dropped, or 0.
 *
 * To be called by the dispatcher about once a second, in a transaction with an
 * active snapshot.  A segment that somebody reads or writes is emptied later, not waited for; it
 * does wait for whoever has locked bugevents.stream, journal_part or journal_parted.
 */
extern uint64 bev_retention_run(uint64 needed);

#endif /* BEV_SERVER_JOURNAL_RETENTION_H */
