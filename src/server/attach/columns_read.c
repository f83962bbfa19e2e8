/*
 * columns_read.c - which columns of a row what was planned depends on.
 *
 * Model: a query says of each table which columns it wants to read, for the check of rights; a view
 * is a query of its own in it.  What a function reads nobody says, so with one that may read tables
 * nothing is known (expression.h).  Nor where a row is meant as a whole, a policy applies, or the
 * rows are found by way of a table above or below.
 */
#include "server/attach/columns_read.h"

#include "access/sysattr.h"
#include "catalog/pg_inherits.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "utils/plancache.h"

#include "server/attach/expression.h"
#include "server/base/compat.h"

/* NULL: what was analyzed isn't so any more. */
static Query *
query_of(SPIPlanPtr plan)
{
	CachedPlanSource *source = linitial(SPI_plan_get_plan_sources(plan));

	return source->is_valid && source->query_list ? linitial_node(Query, source->query_list) : NULL;
}

/* ---- of a table ---- */

typedef struct TableColumns
{
	Oid table;
	List *below;
	Bitmapset *columns;
	bool unknown;
} TableColumns;

static void
take_columns(TableColumns *found, const Query *query, const RangeTblEntry *rte)
{
	Bitmapset *attributes = bev_selected_columns(query, rte);
	int member = -1;

	while ((member = bms_next_member(attributes, member)) >= 0)
	{
		int attribute = member + FirstLowInvalidHeapAttributeNumber;

		if (attribute <= 0)
			found->unknown = true;
		else
			found->columns = bms_add_member(found->columns, attribute);
	}
}

static bool
find_columns(Node *node, void *arg)
{
	TableColumns *found = arg;
	ListCell *cell;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, find_columns, arg);
	found->unknown |= ((Query *) node)->hasRowSecurity;
	foreach (cell, ((Query *) node)->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, cell);

		if (rte->rtekind == RTE_RELATION && rte->relid == found->table)
			take_columns(found, (Query *) node, rte);
		else if (rte->rtekind == RTE_RELATION)
			found->unknown |= list_member_oid(found->below, rte->relid);
	}
	return query_tree_walker((Query *) node, find_columns, arg, 0);
}

bool
bev_columns_read_of_table(SPIPlanPtr plan, Oid table, Bitmapset **columns)
{
	TableColumns found = {.table = table, .columns = *columns};
	Query *query = query_of(plan);

	if (query == NULL || has_superclass(table) || bev_expressions_call_readers(query))
		return false;
	found.below = find_all_inheritors(table, NoLock, NULL);
	(void) find_columns((Node *) query, &found);
	*columns = found.columns;
	return !found.unknown;
}

/* ---- of the row ---- */

typedef struct RowColumns
{
	Index level; /* how deep below the query that the row is in */
	Bitmapset *columns;
	bool unknown;
} RowColumns;

static bool
find_row_columns(Node *node, void *arg)
{
	RowColumns *found = arg;
	bool stopped;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		const Var *var = (Var *) node;

		if (var->varno == 1 && var->varlevelsup == found->level && var->varattno > 0)
			found->columns = bms_add_member(found->columns, var->varattno);
		else if (var->varno == 1 && var->varlevelsup == found->level)
			found->unknown = true;
		return false;
	}
	if (!IsA(node, Query))
		return expression_tree_walker(node, find_row_columns, arg);
	found->level++;
	stopped = query_tree_walker((Query *) node, find_row_columns, arg, QTW_IGNORE_JOINALIASES);
	found->level--;
	return stopped;
}

bool
bev_columns_read_of_row(SPIPlanPtr plan, Bitmapset **columns)
{
	RowColumns found = {.columns = *columns};
	Query *query = query_of(plan);

	if (query == NULL)
		return false;
	/* A join lists all columns of what it joins. */
	(void) query_tree_walker(query, find_row_columns, &found, QTW_IGNORE_JOINALIASES);
	*columns = found.columns;
	return !found.unknown;
}
