/*
 * table_lock.h - reading tables without waiting for somebody else's lock.
 */
#ifndef BEV_SERVER_BASE_TABLE_LOCK_H
#define BEV_SERVER_BASE_TABLE_LOCK_H

#include "postgres.h"

/*
 * Lock a table for reading (ACCESS SHARE), with its indexes, its partitions and what is stored out
 * of line, until the end of the transaction.  False: somebody holds a lock against that; what was
 * locked until then stays locked.  A table that isn't there needs no lock.
 */
extern bool bev_table_lock_try(Oid relid);

#endif /* BEV_SERVER_BASE_TABLE_LOCK_H */
