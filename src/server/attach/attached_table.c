/*
 * attached_table.c - attached tables that are read, by queries of our own.
 *
 * Model: which tables there are is read anew each time.  A table that was attached by a
 * transaction that is settled already must be among them, and invalidations come a moment after
 * that.
 *
 * Rights: the query runs as the table's owner, in a security-restricted operation, as an owner's
 * expressions do anywhere else.
 */
#include "server/attach/attached_table.h"

#include "server/attach/attached.h"

static int
compare_tables(const ListCell *a, const ListCell *b)
{
	Oid left = ((BevAttachedTable *) lfirst(a))->relid;
	Oid right = ((BevAttachedTable *) lfirst(b))->relid;

	return left < right ? -1 : left > right;
}

List *
bev_attached_table_list(const BevEntity *entity)
{
	List *tables = NIL;
	ListCell *cell;

	foreach (cell, entity ? bev_attached_tables_known() : bev_attached_tables())
	{
		BevAttached *attached = lfirst(cell);
		BevAttachedTable *table = palloc(sizeof(BevAttachedTable));

		table->relid = attached->relid;
		table->attachment = bev_attachment_read(attached->argument, attached->relid);
		if (entity ? table->attachment->decides && table->attachment->entity == entity :
		             bev_attachment_gives_access(table->attachment))
			tables = lappend(tables, table);
	}
	list_sort(tables, compare_tables);
	return tables;
}

bool
bev_attached_table_enter(const BevAttachedTable *table, BevOwnerScope *scope)
{
	Oid owner = bev_attached_owner(table->relid);

	if (!OidIsValid(owner))
		return false;
	*scope = bev_owner_enter(owner, bev_owner_search_path(table->attachment->search_path));
	return true;
}
