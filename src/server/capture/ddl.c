/*
 * ddl.c - commands that take many rows away at once, or bring them, or change what is published.
 *
 * Model: a partition's rows are rows of the attached table.
 *
 *	TRUNCATE, DETACH, DROP of a partition	its rows are logged as deleted, before
 *	ATTACH of a partition					its rows are logged as inserted, afterwards
 *	DROP of an attached table				truncated
 *	ALTER, RENAME of a published column, DROP	schema (schema_change.c)
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
#include "server/capture/dependents.h"
#include "server/capture/notice.h"
#include "server/capture/record.h"
#include "server/capture/row_log.h"
#include "server/capture/schema_change.h"

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
	TableScanDesc scan = bev_table_scan(rel, GetActiveSnapshot());

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

static Trigger *
copied(Trigger *trigger)
{
	return trigger && trigger->tgisclone ? trigger : NULL;
}

/* Rows of an attached table, and of one that others follow. */
static void
log_row(Relation rel, TupleTableSlot *old, TupleTableSlot *new)
{
	Trigger *attached = copied(bev_attached_trigger(rel));
	Trigger *followed = copied(bev_attached_lookup_trigger(rel));

	if (attached)
		bev_row_log(rel, attached, old, new);
	if (followed)
		bev_row_log_lookup(rel, followed, old, new);
}

static void
take_deleted(Relation rel, TupleTableSlot *row)
{
	log_row(rel, row, NULL);
}

static void
take_inserted(Relation rel, TupleTableSlot *row)
{
	log_row(rel, NULL, row);
}

/* What a partition is a part of. */
typedef struct Captured
{
	BevAttachment *attachment; /* of an attached table; NULL: of none */
	Oid followed;              /* a table that others follow; InvalidOid: none */
} Captured;

static Captured
captured_by(Oid relid)
{
	Relation rel = table_open(relid, NoLock);
	Trigger *attached = copied(bev_attached_trigger(rel));
	Trigger *followed = copied(bev_attached_lookup_trigger(rel));
	Captured captured = {
		.attachment = attached ? bev_attachment_try_read(attached->tgargs[0],
	                                                     bev_attached_root(attached->tgoid)) :
	                             NULL,
		.followed = followed ? bev_attached_root(followed->tgoid) : InvalidOid,
	};

	table_close(rel, NoLock);
	return captured;
}

/* There are too many rows to tell them one by one. */
static void
tell_to_reload(Oid relid, const Captured *captured)
{
	if (captured->attachment)
		bev_notice_log(bev_notice_name(relid), captured->attachment, BEV_NOTICE_RELOAD);
	if (OidIsValid(captured->followed))
		bev_dependents_reload(captured->followed);
}

/* Log the rows of a partition, which is locked. */
static void
log_rows(Oid relid, void (*take)(Relation rel, TupleTableSlot *row))
{
	Captured captured = captured_by(relid);
	List *leaves;

	if (captured.attachment == NULL && !OidIsValid(captured.followed))
		return;
	leaves = leaves_of(relid);
	if (scan_leaves(leaves, ROWS_MAX + 1, take_none) <= ROWS_MAX)
		(void) scan_leaves(leaves, ROWS_MAX, take);
	else
		tell_to_reload(relid, &captured);
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
		table->name = bev_notice_name(table->relid);
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

	*ddl = (BevDdl){NIL, NIL};
	if (!bev_record_is_wanted())
		return;
	switch (nodeTag(command))
	{
		case T_TruncateStmt:
			take_truncated(((TruncateStmt *) command)->relations);
			break;
		case T_AlterTableStmt:
			ddl->schemas = bev_schema_read_all();
			relid = altered_partition((AlterTableStmt *) command, AT_DetachPartition);
			if (OidIsValid(relid))
			{
				lock_with_parent(relid);
				log_rows(relid, take_deleted);
			}
			break;
		case T_RenameStmt:
			ddl->schemas = bev_schema_read_all();
			break;
		case T_DropStmt:
			ddl->schemas = bev_schema_read_all(); /* with a type, say, a column goes */
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
	if (ddl->schemas)
		bev_schema_compare_all(ddl->schemas);
	if (!IsA(command, AlterTableStmt))
		return;
	relid = altered_partition((AlterTableStmt *) command, AT_AttachPartition);
	if (OidIsValid(relid))
		log_rows(relid, take_inserted);
}
