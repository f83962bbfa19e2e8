/*
 * attached.c - the capture triggers, as pg_trigger knows them.
 *
 * Model: a table is attached if it has a trigger that calls one of the two
 * capture functions.  On a partitioned table PostgreSQL copies the row trigger
 * to every partition; tgparentid leads from a copy to what it was copied from,
 * level by level.
 */
#include "server/attach/attached.h"

#include "miscadmin.h"
#include "server/base/compat.h"
#include "utils/lsyscache.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "postmaster/bgworker.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

static Oid
find_function(const char *name)
{
	return LookupFuncName(list_make2(makeString("bugevents"), makeString(pstrdup(name))), 0, NULL,
	                      true);
}

/* Copies of a relation's triggers (NULL: of all) that call one of the two functions. */
static List *
list_triggers(Relation catalog, const Oid *relid)
{
	Oid row_function = find_function("capture");
	Oid truncate_function = find_function("capture_truncate");
	bool one = relid != NULL;
	List *list = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
	            ObjectIdGetDatum(one ? *relid : InvalidOid));
	scan = systable_beginscan(catalog, TriggerRelidNameIndexId, one, NULL, one ? 1 : 0, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Oid function = ((Form_pg_trigger) GETSTRUCT(tuple))->tgfoid;

		if (OidIsValid(row_function) && (function == row_function || function == truncate_function))
			list = lappend(list, heap_copytuple(tuple));
	}
	systable_endscan(scan);
	return list;
}

List *
bev_attached_triggers(Oid relid)
{
	Relation catalog = table_open(TriggerRelationId, AccessShareLock);
	List *names = NIL;
	ListCell *cell;

	foreach (cell, list_triggers(catalog, &relid))
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT((HeapTuple) lfirst(cell));

		if (!OidIsValid(form->tgparentid))
			names = lappend(names, NameStr(form->tgname));
	}
	table_close(catalog, AccessShareLock);
	return names;
}

static Trigger *
find_trigger(Relation rel, const char *function, int nargs)
{
	Oid called = find_function(function);

	for (int i = 0; rel->trigdesc && i < rel->trigdesc->numtriggers; i++)
	{
		Trigger *trigger = &rel->trigdesc->triggers[i];

		if (trigger->tgfoid == called && trigger->tgnargs == nargs)
			return trigger;
	}
	return NULL;
}

Trigger *
bev_attached_trigger(Relation rel)
{
	return find_trigger(rel, "capture", 1);
}

Trigger *
bev_attached_lookup_trigger(Relation rel)
{
	return find_trigger(rel, "capture_lookup", 0);
}

const char *
bev_attached_argument(Relation rel)
{
	Trigger *trigger = bev_attached_trigger(rel);

	return trigger && !trigger->tgisclone ? trigger->tgargs[0] : NULL;
}

Oid
bev_attached_owner(Oid relid)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid owner = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
		ReleaseSysCache(tuple);
	}
	return owner;
}

Oid
bev_attached_database_owner(void)
{
	HeapTuple tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));
	Oid owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for database %u", MyDatabaseId);
	owner = ((Form_pg_database) GETSTRUCT(tuple))->datdba;
	ReleaseSysCache(tuple);
	return owner;
}

void
bev_attached_check_owner(Oid relid)
{
	char *name = get_rel_name(relid);

	if (name == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
		                errmsg("relation with OID %u does not exist", relid)));
	if (!bev_class_is_owned(relid, GetUserId()))
		ereport(
			ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("must be owner of \"%s\"", name),
		     errdetail("Role \"%s\" is not; role \"%s\" is.", GetUserNameFromId(GetUserId(), false),
		               GetUserNameFromId(bev_attached_owner(relid), false))));
}

/* The only argument of a trigger, NULL if it hasn't just one. */
static char *
read_argument(Relation catalog, HeapTuple tuple)
{
	bool isnull;
	Datum args = heap_getattr(tuple, Anum_pg_trigger_tgargs, RelationGetDescr(catalog), &isnull);

	if (isnull || ((Form_pg_trigger) GETSTRUCT(tuple))->tgnargs != 1)
		return NULL;
	return text_to_cstring(DatumGetByteaPP(args));
}

/* The table if it is attached; NULL: all that are. */
static List *
list_attached(const Oid *relid)
{
	Oid row_function = find_function("capture");
	Relation catalog = table_open(TriggerRelationId, AccessShareLock);
	List *tables = NIL;
	ListCell *cell;

	foreach (cell, list_triggers(catalog, relid))
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT((HeapTuple) lfirst(cell));
		BevAttached *attached;

		if (form->tgfoid != row_function || OidIsValid(form->tgparentid))
			continue;
		attached = palloc(sizeof(BevAttached));
		attached->relid = form->tgrelid;
		attached->argument = read_argument(catalog, lfirst(cell));
		if (attached->argument)
			tables = lappend(tables, attached);
	}
	table_close(catalog, AccessShareLock);
	return tables;
}

char *
bev_attached_argument_of(Oid relid)
{
	List *found = list_attached(&relid);

	return found ? ((BevAttached *) linitial(found))->argument : NULL;
}

static List *
copy_attached(const List *tables)
{
	List *copies = NIL;
	ListCell *cell;

	foreach (cell, tables)
	{
		const BevAttached *attached = lfirst(cell);
		BevAttached *copy = palloc(sizeof(BevAttached));

		copy->relid = attached->relid;
		copy->argument = pstrdup(attached->argument);
		copies = lappend(copies, copy);
	}
	return copies;
}

List *
bev_attached_tables(void)
{
	return list_attached(NULL);
}

List *
bev_attached_tables_known(void)
{
	static MemoryContext context = NULL;
	static List *known = NIL;
	MemoryContext caller = CurrentMemoryContext;
	List *tables;

	if (MyBgworkerEntry == NULL)
		return list_attached(NULL);
	if (context && !ConditionalLockRelationOid(TriggerRelationId, AccessShareLock))
		return copy_attached(known);
	tables = list_attached(NULL);
	if (context == NULL)
		context = AllocSetContextCreate(TopMemoryContext, "bugevents attached tables",
		                                ALLOCSET_SMALL_SIZES);
	known = NIL;
	MemoryContextReset(context);
	MemoryContextSwitchTo(context);
	known = copy_attached(tables);
	MemoryContextSwitchTo(caller);
	return tables;
}

static void
write_argument(Relation catalog, HeapTuple tuple, const char *argument)
{
	Size size = VARHDRSZ + strlen(argument) + 1;
	bytea *args = palloc(size);
	Datum values[Natts_pg_trigger] = {[Anum_pg_trigger_tgargs - 1] = PointerGetDatum(args)};
	bool nulls[Natts_pg_trigger] = {false};
	bool replaces[Natts_pg_trigger] = {[Anum_pg_trigger_tgargs - 1] = true};
	HeapTuple changed;

	SET_VARSIZE(args, size);
	memcpy(VARDATA(args), argument, size - VARHDRSZ);
	changed = heap_modify_tuple(tuple, RelationGetDescr(catalog), values, nulls, replaces);
	CatalogTupleUpdate(catalog, &changed->t_self, changed);
	CacheInvalidateRelcacheByRelid(((Form_pg_trigger) GETSTRUCT(tuple))->tgrelid);
}

static void
rewrite_triggers(Relation catalog, Oid relid, const char *old, const char *argument)
{
	ListCell *cell;

	foreach (cell, list_triggers(catalog, &relid))
	{
		char *found = read_argument(catalog, lfirst(cell));

		if (found && strcmp(found, old) == 0)
			write_argument(catalog, lfirst(cell), argument);
	}
}

void
bev_attached_rewrite(Oid relid, const char *old, const char *argument)
{
	Relation catalog = table_open(TriggerRelationId, RowExclusiveLock);
	ListCell *cell;

	foreach (cell, find_all_inheritors(relid, NoLock, NULL))
		rewrite_triggers(catalog, lfirst_oid(cell), old, argument);
	table_close(catalog, RowExclusiveLock);
}

/* The trigger's relation, and what it was copied from in *parent. */
static Oid
read_trigger(Relation catalog, Oid trigger, Oid *parent)
{
	Oid relid = InvalidOid;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ,
	            ObjectIdGetDatum(trigger));
	scan = systable_beginscan(catalog, TriggerOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	*parent = InvalidOid;
	if (HeapTupleIsValid(tuple))
	{
		relid = ((Form_pg_trigger) GETSTRUCT(tuple))->tgrelid;
		*parent = ((Form_pg_trigger) GETSTRUCT(tuple))->tgparentid;
	}
	systable_endscan(scan);
	return relid;
}

Oid
bev_attached_root(Oid trigger)
{
	Relation catalog = table_open(TriggerRelationId, AccessShareLock);
	Oid parent = trigger;
	Oid relid;

	do
	{
		relid = read_trigger(catalog, parent, &parent);
	} while (OidIsValid(parent));
	table_close(catalog, AccessShareLock);
	return relid;
}
