/*
 * ddl.c - commands that take many rows away at once, or bring them.
 *
 * Model: a partition's rows are rows of the attached table.
 *
 *	TRUNCATE, DETACH, DROP of a partition	its rows are logged as deleted, before
 *	ATTACH of a partition					its rows are logged as inserted, afterwards
 *	DROP of an attached table				truncated
 *
 * Where a partition has more than ROWS_MAX rows, and where it goes with something else that is
 * dropped (a schema, an owner), an event says that the table has to be read again.
 *
 * What a DROP takes is seen by comparing: attached tables and their partitions before and after.
 * TRUNCATE of an attached table has a trigger of its own (truncate.c).
 *
 * Concurrency: rows are read under the lock that the command takes anyway, and in its order, the
 * partitioned table first: so what is read is what goes.  Only who may run the command gets so far
 * as to the lock.
 */
#include "server/capture/ddl.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "server/attach/attached.h"
#include "server/attach/attachment.h"
#include "server/base/compat.h"
#include "server/capture/notice.h"
#include "server/capture/record.h"
#include "server/capture/row_log.h"

/* So many rows of a partition are told one by one. */
#define ROWS_MAX 10000

/* An attached table that may be dropped. */
typedef struct Dropped
{
	Oid relid;
	char *name;
	BevAttachment *attachment; /* NULL: attach() didn't write it */
	List *leaves;
} Dropped;

/* ---- the rows of a partition ---- */

/* Those that have rows, of a partition and what is below it. */
static List *
leaves_of(Oid relid)
{
	List *leaves = NIL;
	ListCell *cell;

	foreach (cell, find_all_inheritors(relid, NoLock, NULL))
		if (get_rel_relkind(lfirst_oid(cell)) == RELKIND_RELATION)
			leaves = lappend_oid(leaves, lfirst_oid(cell));
	return leaves;
}

/* Hand the rows of a leaf to take, as long as there are any left. */
static void
scan_leaf(Oid relid, int *left, void (*take)(Relation rel, TupleTableSlot *row))
{
	Relation rel = table_open(relid, AccessShareLock);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = table_beginscan(rel, GetActiveSnapshot(), 0, NULL);

	while (*left > 0 && table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		(*left)--;
		take(rel, slot);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, NoLock);
}

static int
scan_leaves(List *leaves, int limit, void (*take)(Relation rel, TupleTableSlot *row))
{
	int left = limit;
	ListCell *cell;

	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	foreach (cell, leaves)
		scan_leaf(lfirst_oid(cell), &left, take);
	PopActiveSnapshot();
	return limit - left;
}

static void
take_none(Relation rel pg_attribute_unused(), TupleTableSlot *row pg_attribute_unused())
{
}

static void
take_deleted(Relation rel, TupleTableSlot *row)
{
	bev_row_log(rel, bev_attached_trigger(rel), row, NULL);
}

static void
take_inserted(Relation rel, TupleTableSlot *row)
{
	bev_row_log(rel, bev_attached_trigger(rel), NULL, row);
}

/* Is it a partition of an attached table?  Then *attachment is how that is attached. */
static bool
is_captured_partition(Oid relid, BevAttachment **attachment)
{
	Relation rel = table_open(relid, NoLock);
	Trigger *trigger = rel->rd_rel->relispartition ? bev_attached_trigger(rel) : NULL;

	*attachment =
		trigger && trigger->tgisclone ?
			bev_attachment_try_read(trigger->tgargs[0], bev_attached_root(trigger->tgoid)) :
			NULL;
	table_close(rel, NoLock);
	return *attachment != NULL;
}

/* Log the rows of a partition, which is locked. */
static void
log_rows(Oid relid, void (*take)(Relation rel, TupleTableSlot *row))
{
	BevAttachment *attachment;
	List *leaves;

	if (!is_captured_partition(relid, &attachment))
		return;
	leaves = leaves_of(relid);
	if (scan_leaves(leaves, ROWS_MAX + 1, take_none) <= ROWS_MAX)
		(void) scan_leaves(leaves, ROWS_MAX, take);
	else
		bev_notice_log(
			psprintf("%s.%s", get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid)),
			attachment, BEV_NOTICE_RELOAD);
}

/* ---- which partition ---- */

static bool
may(Oid relid, AclMode right)
{
	return bev_class_is_owned(relid, GetUserId()) ||
	       (right != 0 && pg_class_aclcheck(relid, GetUserId(), right) == ACLCHECK_OK);
}

/* The partition of that name, if the command may be run on it; else InvalidOid. */
static Oid
find_partition(RangeVar *name, AclMode right)
{
	Oid relid = RangeVarGetRelid(name, NoLock, true);

	return OidIsValid(relid) && get_rel_relispartition(relid) && may(relid, right) ? relid :
	                                                                                 InvalidOid;
}

/* Is a table of which it is a part in the list, which takes it as a whole? */
static bool
goes_with_another(Oid relid, List *others)
{
	ListCell *cell;

	foreach (cell, others)
	{
		Oid other = RangeVarGetRelid(lfirst_node(RangeVar, cell), NoLock, true);

		if (OidIsValid(other) && list_member_oid(get_partition_ancestors(relid), other))
			return true;
	}
	return false;
}

static void
take_truncated(List *names)
{
	ListCell *cell;

	foreach (cell, names)
	{
		Oid relid = find_partition(lfirst_node(RangeVar, cell), ACL_TRUNCATE);

		if (!OidIsValid(relid) || goes_with_another(relid, names))
			continue;
		LockRelationOid(relid, AccessExclusiveLock);
		log_rows(relid, take_deleted);
	}
}

static void
lock_with_parent(Oid relid)
{
	LockRelationOid(get_partition_parent(relid, true), AccessExclusiveLock);
	LockRelationOid(relid, AccessExclusiveLock);
}

static List *
names_of(const DropStmt *drop)
{
	List *names = NIL;
	ListCell *cell;

	foreach (cell, drop->objects)
		names = lappend(names, makeRangeVarFromNameList(lfirst_node(List, cell)));
	return names;
}

static void
take_dropped(const DropStmt *drop)
{
	List *names;
	ListCell *cell;

	if (drop->removeType != OBJECT_TABLE)
		return;
	names = names_of(drop);
	foreach (cell, names)
	{
		Oid relid = find_partition(lfirst_node(RangeVar, cell), 0);

		if (!OidIsValid(relid) || goes_with_another(relid, names))
			continue;
		lock_with_parent(relid);
		log_rows(relid, take_deleted);
	}
}

/* The partition that ALTER TABLE attaches or detaches; InvalidOid: none. */
static Oid
altered_partition(const AlterTableStmt *alter, AlterTableType type)
{
	ListCell *cell;

	foreach (cell, alter->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, cell);

		/* CONCURRENTLY commits in between: rows go on being captured until the end. */
		if (cmd->subtype == type && !((PartitionCmd *) cmd->def)->concurrent)
			return find_partition(((PartitionCmd *) cmd->def)->name, 0);
	}
	return InvalidOid;
}

/* ---- what is dropped ---- */

static List *
list_attached(void)
{
	List *list = NIL;
	ListCell *cell;

	foreach (cell, bev_attached_tables())
	{
		BevAttached *attached = lfirst(cell);
		Dropped *table = palloc(sizeof(Dropped));

		table->relid = attached->relid;
		table->name = psprintf("%s.%s", get_namespace_name(get_rel_namespace(table->relid)),
		                       get_rel_name(table->relid));
		table->attachment = bev_attachment_try_read(attached->argument, attached->relid);
		table->leaves = get_rel_relkind(table->relid) == RELKIND_PARTITIONED_TABLE ?
		                    leaves_of(table->relid) :
		                    NIL;
		list = lappend(list, table);
	}
	return list;
}

static bool
is_gone(Oid relid)
{
	return !SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid));
}

static bool
lost_a_leaf(const Dropped *table)
{
	ListCell *leaf;

	foreach (leaf, table->leaves)
		if (is_gone(lfirst_oid(leaf)))
			return true;
	return false;
}

static void
tell_dropped(List *tables)
{
	ListCell *cell;

	foreach (cell, tables)
	{
		Dropped *table = lfirst(cell);
		bool gone = is_gone(table->relid);

		if (table->attachment && (gone || lost_a_leaf(table)))
			bev_notice_log(table->name, table->attachment,
			               gone ? BEV_NOTICE_TRUNCATED : BEV_NOTICE_RELOAD);
	}
}

/* Partitions of which each row was told. */
static void
forget_told(List *tables, const DropStmt *drop)
{
	ListCell *cell;
	ListCell *name;

	if (drop->removeType != OBJECT_TABLE)
		return;
	foreach (cell, tables)
	{
		Dropped *table = lfirst(cell);

		foreach (name, names_of(drop))
		{
			Oid relid = find_partition(lfirst_node(RangeVar, name), 0);

			if (OidIsValid(relid))
				table->leaves = list_difference_oid(table->leaves, leaves_of(relid));
		}
	}
}

/* ---- a command ---- */

void
bev_ddl_before(Node *command, BevDdl *ddl)
{
	Oid relid;

	*ddl = (BevDdl){NIL};
	if (!bev_record_is_wanted())
		return;
	switch (nodeTag(command))
	{
		case T_TruncateStmt:
			take_truncated(((TruncateStmt *) command)->relations);
			break;
		case T_AlterTableStmt:
			relid = altered_partition((AlterTableStmt *) command, AT_DetachPartition);
			if (OidIsValid(relid))
			{
				lock_with_parent(relid);
				log_rows(relid, take_deleted);
			}
			break;
		case T_DropStmt:
			ddl->dropped = list_attached();
			forget_told(ddl->dropped, (DropStmt *) command);
			take_dropped((DropStmt *) command);
			break;
		case T_DropOwnedStmt:
			ddl->dropped = list_attached();
			break;
		default:
			break;
	}
}

void
bev_ddl_after(Node *command, BevDdl *ddl)
{
	Oid relid;

	if (!bev_record_is_wanted())
		return;
	if (ddl->dropped)
	{
		CommandCounterIncrement();
		tell_dropped(ddl->dropped);
	}
	if (!IsA(command, AlterTableStmt))
		return;
	relid = altered_partition((AlterTableStmt *) command, AT_AttachPartition);
	if (OidIsValid(relid))
		log_rows(relid, take_inserted);
}
