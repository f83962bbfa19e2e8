/*
 * index_move.c - moving an index of the journal to another tablespace.
 *
 * Model: a commit writes into the primary key of a journal's table under the lock of the table
 * alone (journal.c), as all that could take the index away locks the table as well.  There is one
 * exception: ALTER INDEX ... SET TABLESPACE locks only the index while it copies the file.  So
 * whoever may do that locks the table first (test/t/208_journal_upkeep.pl).
 *
 * Cost: a look at each utility command.
 */
#include "server/journal/index_move.h"

#include "catalog/index.h"
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "server/base/compat.h"
#include "server/journal/journal.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

/* Who doesn't own it is refused by the command, and must not hold up anybody until then. */
static void
lock(Oid table)
{
	if (OidIsValid(table) && bev_class_is_owned(table, GetUserId()))
		LockRelationOid(table, AccessExclusiveLock);
}

static bool
sets_tablespace(const AlterTableStmt *alter)
{
	ListCell *cell;

	foreach (cell, alter->cmds)
		if (lfirst_node(AlterTableCmd, cell)->subtype == AT_SetTableSpace)
			return true;
	return false;
}

static void
lock_for_one(const AlterTableStmt *alter)
{
	Oid index = RangeVarGetRelid(alter->relation, NoLock, true);
	Oid table = OidIsValid(index) && get_rel_relkind(index) == RELKIND_INDEX ?
	                IndexGetRelation(index, true) :
	                InvalidOid;

	for (int i = 0; OidIsValid(table) && i < BEV_TABLE_STREAM; i++)
		if (bev_journal_table((BevTable) i) == table)
			lock(table);
}

static void
lock_for_all(void)
{
	for (int i = 0; i < BEV_TABLE_STREAM; i++)
		lock(bev_journal_table((BevTable) i));
}

void
bev_index_move_lock(Node *command)
{
	if (IsA(command, AlterTableStmt) && sets_tablespace((AlterTableStmt *) command))
		lock_for_one((AlterTableStmt *) command);
	else if (IsA(command, AlterTableMoveAllStmt) &&
	         ((AlterTableMoveAllStmt *) command)->objtype == OBJECT_INDEX)
		lock_for_all();
}
