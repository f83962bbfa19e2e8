/*
 * applied.h - what logical replication writes into bugevents' own tables, and doesn't get in.
 */
#ifndef BEV_SERVER_JOURNAL_APPLIED_H
#define BEV_SERVER_JOURNAL_APPLIED_H

#include "postgres.h"

#include "utils/relcache.h"

/* Has the table no triggers but those that keep such rows out? */
extern bool bev_applied_only_ours(Relation table);

#endif /* BEV_SERVER_JOURNAL_APPLIED_H */
