/*
 * table_lock.c - reading tables without waiting for somebody else's lock.
 *
 * test/t/112_locks.pl shows it, with tables and indexes that are locked.
 *
 * Why indexes: REINDEX locks them, not the table, against readers; and the planner opens all of
 * a table's indexes, whether it uses them or not.
 */
#include "server/base/table_lock.h"

#include "access/table.h"
#include "catalog/pg_inherits.h"
#include "nodes/pg_list.h"
#include "storage/lmgr.h"
#include "utils/rel.h"
#include "utils/relcache.h"

static bool
try_list(List *relids, bool (*try)(Oid relid))
{
	ListCell *cell;

	foreach (cell, relids)
	{
		if (!try(lfirst_oid(cell)))
			return false;
	}
	return true;
}

static bool
try_index(Oid relid)
{
	return ConditionalLockRelationOid(relid, AccessShareLock);
}

static bool
try_table(Oid relid)
{
	Relation table;
	Oid toast;
	bool locked;

	if (!ConditionalLockRelationOid(relid, AccessShareLock))
		return false;
	table = try_table_open(relid, NoLock);
	if (table == NULL)
		return true; /* dropped a moment ago */
	toast = table->rd_rel->reltoastrelid;
	locked = try_list(RelationGetIndexList(table), try_index);
	table_close(table, NoLock);
	return locked && (!OidIsValid(toast) || try_table(toast));
}

bool
bev_table_lock_try(Oid relid)
{
	return !OidIsValid(relid) ||
	       (try_table(relid) && try_list(find_all_inheritors(relid, NoLock, NULL), try_table));
}
