/*
 * attached.c - the capture triggers, as pg_trigger knows them.
 *
 * Model: a table is attached if it has a trigger that calls one of the two
 * capture functions.  On a partitioned table PostgreSQL copies the row trigger
 * to every partition; tgparentid leads from a copy to what it was copied from,
 * level by level.
 */
#include "attached.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_trigger.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

static Oid
find_function(const char *name)
{
	return LookupFuncName(list_make2(makeString("bugevents"), makeString(pstrdup(name))),
						  0, NULL, true);
}

List *
be_attached_triggers(Oid relid)
{
	Oid			row_function = find_function("capture");
	Oid			truncate_function = find_function("capture_truncate");
	Relation	catalog = table_open(TriggerRelationId, AccessShareLock);
	List	   *names = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(catalog, TriggerRelidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);

		if (!OidIsValid(form->tgparentid) &&
			(form->tgfoid == row_function || form->tgfoid == truncate_function))
			names = lappend(names, pstrdup(NameStr(form->tgname)));
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return names;
}

/* The trigger's relation, and what it was copied from in *parent. */
static Oid
read_trigger(Relation catalog, Oid trigger, Oid *parent)
{
	Oid			relid = InvalidOid;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

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
be_attached_root(Oid trigger)
{
	Relation	catalog = table_open(TriggerRelationId, AccessShareLock);
	Oid			parent = trigger;
	Oid			relid;

	do
	{
		relid = read_trigger(catalog, parent, &parent);
	} while (OidIsValid(parent));
	table_close(catalog, AccessShareLock);
	return relid;
}
