/*
 * consumers.h - where the consumers of the stream in SQL stand.
 */
#ifndef BEV_SERVER_JOURNAL_CONSUMERS_H
#define BEV_SERVER_JOURNAL_CONSUMERS_H

#include "postgres.h"

/*
 * How many consumers there are, and the seq up to which all of them have read; PG_UINT64_MAX
 * without any.  False: somebody has locked their table.  In a transaction with an active snapshot;
 * doesn't wait.
 */
extern bool bev_consumers_look(int *count, uint64 *slowest);

#endif /* BEV_SERVER_JOURNAL_CONSUMERS_H */
