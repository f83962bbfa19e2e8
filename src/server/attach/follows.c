/*
 * follows.c - which attached tables follow which others, that their expressions look into.
 *
 * Model: a table, bugevents.follows, that follow() writes.  It is read as a whole, and again when
 * follow() has changed it: that makes the table's relcache entry invalid.
 *
 * Memory: a context of the session; what was read before is freed with the transaction.
 */
#include "server/attach/follows.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#define FOLLOWS_LOOKUP      1
#define FOLLOWS_TBL         2
#define FOLLOWS_KEYS        3
#define FOLLOWS_SEARCH_PATH 4

static bool registered = false;
static bool valid = false;
static Oid table = InvalidOid;
static List *follows = NIL;
static MemoryContext context = NULL;

/* Counts what could have outdated the list while it was being read. */
static uint64 invalidations = 0;

/* While there is none, any relation may be it. */
static void
invalidate(Datum arg pg_attribute_unused(), Oid relid)
{
	if (OidIsValid(relid) && OidIsValid(table) && relid != table)
		return;
	valid = false;
	invalidations++;
}

static const char *
read_text(HeapTuple tuple, TupleDesc desc, int column)
{
	bool isnull;
	Datum value = heap_getattr(tuple, column, desc, &isnull);

	return isnull ? "" : TextDatumGetCString(value);
}

static BevFollow *
read_row(HeapTuple tuple, TupleDesc desc)
{
	BevFollow *follow = palloc(sizeof(BevFollow));
	bool isnull;

	follow->lookup = DatumGetObjectId(heap_getattr(tuple, FOLLOWS_LOOKUP, desc, &isnull));
	follow->tbl = DatumGetObjectId(heap_getattr(tuple, FOLLOWS_TBL, desc, &isnull));
	follow->keys = read_text(tuple, desc, FOLLOWS_KEYS);
	follow->search_path = read_text(tuple, desc, FOLLOWS_SEARCH_PATH);
	return follow;
}

static List *
read_rows(Oid relid)
{
	Relation rel = table_open(relid, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	List *rows = NIL;
	HeapTuple tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		rows = lappend(rows, read_row(tuple, RelationGetDescr(rel)));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return rows;
}

static void
read_all(void)
{
	MemoryContext made =
		AllocSetContextCreate(CurTransactionContext, "bugevents follows", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(made);
	Oid schema = get_namespace_oid("bugevents", true);
	uint64 before = invalidations;
	List *rows = NIL;

	table = OidIsValid(schema) ? get_relname_relid("follows", schema) : InvalidOid;

	/* It throws where a transaction can't be serialized: then the list stays invalid. */
	if (OidIsValid(table))
		rows = read_rows(table);
	MemoryContextSwitchTo(caller);
	if (context)
		MemoryContextSetParent(context, TopTransactionContext);
	MemoryContextSetParent(made, TopMemoryContext);
	context = made;
	follows = rows;
	valid = invalidations == before;
}

List *
bev_follows_list(void)
{
	if (!registered)
		CacheRegisterRelcacheCallback(invalidate, (Datum) 0);
	registered = true;
	if (!valid)
		read_all();
	return follows;
}

Oid
bev_follows_table(void)
{
	(void) bev_follows_list();
	return table;
}
