/*
 * expression.c - SQL expressions over a row, evaluated as the table's owner.
 *
 * Model: all the expressions of an attachment are one statement,
 *
 *	SELECT (e1), (e2) FROM (SELECT $1 AS id, $2 AS title, ...) AS row
 *
 * whose plan is kept for the session.  The columns are parameters of their own
 * and not one composite value: making that would fetch every toasted column of
 * the row, used or not.
 *
 * What they see is whoever evaluates them to say (evaluation.c).  A volatile function would see
 * something else, so attach() refuses such functions.
 *
 * Rights: the expressions were given by the table's owner, and whoever writes to
 * the table runs them.  So they run with the owner's rights, in a
 * security-restricted operation, and names are looked up with the search_path of
 * the attach.  A text must be one expression by itself, so that none can close
 * the parenthesis that it stands in.
 */
#include "server/attach/expression.h"

#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "server/attach/attachment.h"
#include "server/encode/encode.h"
#include "server/attach/owner.h"
#include "server/base/compat.h"

/* A plan lives in a context of its own; it has to go with the expressions. */
static void
free_plan(void *arg)
{
	BevExpressions *expressions = arg;

	if (expressions->plan)
		SPI_freeplan(expressions->plan);
	if (expressions->many)
		SPI_freeplan(expressions->many);
	for (int i = 0; expressions->plans && i < expressions->nresults; i++)
		if (expressions->plans[i])
			SPI_freeplan(expressions->plans[i]);
}

static void
find_columns(BevExpressions *expressions, Relation rel, int natts)
{
	expressions->column_names = palloc(sizeof(char *) * natts);
	expressions->column_types = palloc(sizeof(Oid) * natts);
	expressions->column_collations = palloc(sizeof(Oid) * natts);
	expressions->column_attnums = palloc(sizeof(AttrNumber) * natts);

	for (AttrNumber attnum = 1; attnum <= natts; attnum++)
	{
		const char *name = bev_column_name(expressions->table, attnum);
		AttrNumber in_rel;
		int i = expressions->ncolumns;
		Form_pg_attribute att;

		if (name == NULL)
			continue;
		in_rel = expressions->table == RelationGetRelid(rel) ?
		             attnum :
		             get_attnum(RelationGetRelid(rel), name);
		if (in_rel == InvalidAttrNumber || in_rel > RelationGetNumberOfAttributes(rel))
			continue;
		att = TupleDescAttr(RelationGetDescr(rel), in_rel - 1);
		expressions->column_names[i] = name;
		expressions->column_types[i] = att->atttypid;
		expressions->column_collations[i] = att->attcollation;
		expressions->column_attnums[i] = in_rel;
		expressions->ncolumns++;
	}
}

BevExpressions *
bev_expressions_create(Oid table, Relation rel, const char *search_path)
{
	BevExpressions *expressions = palloc0(sizeof(BevExpressions));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	int natts;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", table);
	expressions->owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	natts = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
	ReleaseSysCache(tuple);

	expressions->table = table;
	expressions->looks_up = true;
	expressions->context = CurrentMemoryContext;
	expressions->search_path = bev_owner_search_path(search_path);
	find_columns(expressions, rel, natts);

	callback->func = free_plan;
	callback->arg = expressions;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	return expressions;
}

int
bev_expressions_add(BevExpressions *expressions, const char *text)
{
	int n = expressions->nresults;
	MemoryContext old = MemoryContextSwitchTo(expressions->context);

	expressions->texts =
		n > 0 ? repalloc(expressions->texts, sizeof(char *) * (n + 1)) : palloc(sizeof(char *));
	expressions->texts[n] = pstrdup(text);
	expressions->nresults = n + 1;
	MemoryContextSwitchTo(old);
	return n;
}

void
bev_expressions_append_row(BevExpressions *expressions, StringInfo sql)
{
	appendStringInfoString(sql, "(SELECT ");
	for (int i = 0; i < expressions->ncolumns; i++)
	{
		Oid collation = expressions->column_collations[i];

		appendStringInfo(sql, "%s$%d", i ? ", " : "", i + 1);
		if (OidIsValid(collation) && collation != get_typcollation(expressions->column_types[i]))
			appendStringInfo(sql, " COLLATE %s", generate_collation_name(collation));
		appendStringInfo(sql, " AS %s", quote_identifier(expressions->column_names[i]));
	}
	appendStringInfoString(sql, ") AS row");
}

static char *
build_statement(BevExpressions *expressions, const char **texts, int n)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");

	/* The newline ends a comment at the end of an expression. */
	for (int i = 0; i < n; i++)
		appendStringInfo(&sql, "%s(%s\n)", i ? ", " : "", texts[i]);
	appendStringInfoString(&sql, " FROM ");
	bev_expressions_append_row(expressions, &sql);
	return sql.data;
}

SPIPlanPtr
bev_expressions_prepare(BevExpressions *expressions, const char **texts, int n)
{
	SPIPlanPtr plan;

	/* The rows differ, the way to what belongs to them doesn't. */
	plan = SPI_prepare_cursor(build_statement(expressions, texts, n), expressions->ncolumns,
	                          expressions->column_types, CURSOR_OPT_GENERIC_PLAN);
	if (plan == NULL)
		elog(ERROR, "could not prepare expressions: %s", SPI_result_code_string(SPI_result));
	return plan;
}

/* Names that no expression has. */
#define SOURCE "\"bugevents source\""

static void
append_source(Relation rel, StringInfo sql)
{
	TupleDesc desc = RelationGetDescr(rel);
	const char *separator = "";

	appendStringInfo(sql, "ONLY %s AS " SOURCE " (",
	                 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
	                                            RelationGetRelationName(rel)));
	for (int i = 0; i < desc->natts; i++)
	{
		if (TupleDescAttr(desc, i)->attisdropped)
			continue;
		appendStringInfo(sql, "%s\"bugevents %d\"", separator, i + 1);
		separator = ", ";
	}
	appendStringInfoChar(sql, ')');
}

static void
append_row_of_source(const BevExpressions *expressions, StringInfo sql)
{
	appendStringInfoString(sql, "(SELECT ");
	for (int i = 0; i < expressions->ncolumns; i++)
		appendStringInfo(sql, "%s" SOURCE ".\"bugevents %d\" AS %s", i ? ", " : "",
		                 expressions->column_attnums[i],
		                 quote_identifier(expressions->column_names[i]));
	appendStringInfoString(sql, ") AS row");
}

SPIPlanPtr
bev_expressions_prepare_many(BevExpressions *expressions, Relation rel)
{
	Oid type = TIDARRAYOID;
	StringInfoData sql;
	SPIPlanPtr plan;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT " SOURCE ".ctid");
	for (int i = 0; i < expressions->nresults; i++)
		appendStringInfo(&sql, ", (%s\n)", expressions->texts[i]);
	appendStringInfoString(&sql, " FROM ");
	append_source(rel, &sql);
	appendStringInfoString(&sql, " CROSS JOIN LATERAL ");
	append_row_of_source(expressions, &sql);
	appendStringInfoString(&sql, " WHERE " SOURCE ".ctid OPERATOR(pg_catalog.=) ANY ($1)");
	plan = SPI_prepare_cursor(sql.data, 1, &type, CURSOR_OPT_GENERIC_PLAN);
	if (plan == NULL)
		elog(ERROR, "could not prepare expressions: %s", SPI_result_code_string(SPI_result));
	return plan;
}

static void
report_not_one_expression(const char *text)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_SYNTAX_ERROR), errmsg("\"%s\" is not a single SQL expression", text),
	     errhint("Give an expression over the table's columns, such as \"lower(row.state)\".")));
}

void
bev_expression_check_syntax(const char *text)
{
	List *parsed = raw_parser(psprintf("SELECT (%s\n)", text), RAW_PARSE_DEFAULT);
	SelectStmt *select;
	ResTarget *target;

	if (list_length(parsed) != 1)
		report_not_one_expression(text);
	select = (SelectStmt *) linitial_node(RawStmt, parsed)->stmt;
	if (!IsA(select, SelectStmt) || list_length(select->targetList) != 1 ||
	    select->distinctClause || select->intoClause || select->fromClause || select->whereClause ||
	    select->groupClause || select->havingClause || select->windowClause ||
	    select->valuesLists || select->sortClause || select->limitOffset || select->limitCount ||
	    select->lockingClause || select->withClause || select->op != SETOP_NONE)
		report_not_one_expression(text);
	target = linitial_node(ResTarget, select->targetList);
	if (target->name || target->indirection)
		report_not_one_expression(text);
}

/* Is it a volatile function?  Then *arg is its name. */
static bool
is_volatile(Oid function, void *arg)
{
	if (func_volatile(function) != PROVOLATILE_VOLATILE)
		return false;
	*(char **) arg = get_func_name(function);
	return true;
}

static bool
find_volatile(Node *node, void *arg)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, is_volatile, arg))
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, find_volatile, arg, 0);
	return expression_tree_walker(node, find_volatile, arg);
}

void
bev_expressions_check_functions(Query *query)
{
	char *name = NULL;

	if (find_volatile((Node *) query, &name))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		                errmsg("function \"%s\" is volatile and can't be used over \"row\"", name),
		                errdetail("It would not see the database as it was before a change."),
		                errhint("If it only reads, make it stable: ALTER FUNCTION %s STABLE.",
		                        quote_identifier(name))));
}

/*
 * Only PostgreSQL's own functions are known to read no table, except those that make XML of one.
 */
static bool
may_read_tables(Oid function, void *arg pg_attribute_unused())
{
	return function >= FirstNormalObjectId || get_func_rettype(function) == XMLOID;
}

static bool
find_lookup(Node *node, void *arg)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
		return ((RangeTblEntry *) node)->rtekind == RTE_RELATION;
	if (check_functions_in_node(node, may_read_tables, arg))
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, find_lookup, arg, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, find_lookup, arg);
}

void
bev_expressions_execute(const BevExpressions *expressions, SPIPlanPtr plan, TupleTableSlot *row,
                        Snapshot snapshot, long rows)
{
	Datum *values = palloc(sizeof(Datum) * expressions->ncolumns);
	char *nulls = palloc(expressions->ncolumns);
	int rc;

	for (int i = 0; i < expressions->ncolumns; i++)
	{
		bool isnull;

		values[i] = slot_getattr(row, expressions->column_attnums[i], &isnull);
		nulls[i] = isnull ? 'n' : ' ';
	}
	rc = SPI_execute_snapshot(plan, values, nulls, snapshot, InvalidSnapshot, true, false, rows);
	if (rc != SPI_OK_SELECT)
		elog(ERROR, "could not evaluate expressions: %s", SPI_result_code_string(rc));
}

bool
bev_expressions_look_up(SPIPlanPtr plan)
{
	CachedPlanSource *source = linitial(SPI_plan_get_plan_sources(plan));

	return find_lookup((Node *) linitial_node(Query, source->query_list), NULL);
}

static bool
calls_what_may_read(Node *node, void *arg)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, may_read_tables, arg))
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, calls_what_may_read, arg, 0);
	return expression_tree_walker(node, calls_what_may_read, arg);
}

bool
bev_expressions_call_readers(Query *query)
{
	return calls_what_may_read((Node *) query, NULL);
}

/* What isn't there any more was. */
static bool
is_any_replaced(List *relids)
{
	ListCell *cell;

	foreach (cell, relids)
	{
		Relation rel = RelationIdGetRelation(lfirst_oid(cell));
		bool replaced = rel == NULL || BEV_RELATION_IS_REPLACED(rel);

		if (rel)
			RelationClose(rel);
		if (replaced)
			return true;
	}
	return false;
}

/* Of partitions only the plan knows. */
static bool
reads_replaced(SPIPlanPtr plan)
{
	CachedPlanSource *source = linitial(SPI_plan_get_plan_sources(plan));
	ListCell *cell;

	/* It has none if what it looks into is gone. */
	if (source->query_list == NIL || source->gplan == NULL || is_any_replaced(source->relationOids))
		return true;
	foreach (cell, source->gplan->stmt_list)
		if (is_any_replaced(lfirst_node(PlannedStmt, cell)->relationOids))
			return true;
	return calls_what_may_read((Node *) linitial_node(Query, source->query_list), NULL);
}

bool
bev_expressions_read_replaced(const BevExpressions *expressions)
{
	SPIPlanPtr plan = expressions->plan ? expressions->plan : expressions->many;

	return plan == NULL || reads_replaced(plan);
}

static void
take_literal(const Const *constant, BevExpressionTraits *traits)
{
	if (!constant->constisnull &&
	    (constant->consttype == TEXTOID || constant->consttype == VARCHAROID))
		traits->literals = lappend(traits->literals, TextDatumGetCString(constant->constvalue));
}

static bool
find_traits(Node *node, void *arg)
{
	BevExpressionTraits *traits = arg;

	if (node == NULL)
		return false;
	if (IsA(node, Const))
		take_literal((Const *) node, traits);
	if (IsA(node, RangeTblEntry))
	{
		if (((RangeTblEntry *) node)->rtekind == RTE_RELATION)
			traits->tables =
				list_append_unique_oid(traits->tables, ((RangeTblEntry *) node)->relid);
		return false;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, find_traits, arg, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, find_traits, arg);
}

/* One row in, one value out: what that value is like. */
static void
check_result(SPIPlanPtr plan, const char *text, BevExpressionTraits *traits)
{
	CachedPlanSource *source = linitial(SPI_plan_get_plan_sources(plan));
	Query *query = linitial_node(Query, source->query_list);

	if (query->hasTargetSRFs || query->hasAggs || query->hasWindowFuncs)
		ereport(
			ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		     errmsg("set-returning, aggregate and window functions are not allowed over \"row\""),
		     errhint("Put the function into a sub-select.")));
	if (source->resultDesc->natts != 1)
		report_not_one_expression(text);
	bev_expressions_check_functions(query);
	traits->type = TupleDescAttr(source->resultDesc, 0)->atttypid;
	(void) find_traits((Node *) query->targetList, traits);
}

static void
add_label(void *arg)
{
	errcontext("expression for \"%s\"", (const char *) arg);

	/* The position is one in a statement that the user has never seen. */
	errposition(0);
	internalerrposition(0);
	internalerrquery(NULL);
}

BevExpressionTraits
bev_expression_analyze(BevExpressions *expressions, const char *text, const char *label)
{
	ErrorContextCallback context = {
		.previous = error_context_stack, .callback = add_label, .arg = (void *) label};
	MemoryContext caller = CurrentMemoryContext;
	BevExpressionTraits traits = {0};
	MemoryContext old;
	SPIPlanPtr plan;
	BevOwnerScope scope;

	error_context_stack = &context;
	bev_expression_check_syntax(text);

	scope = bev_owner_enter(expressions->owner, expressions->search_path);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = bev_expressions_prepare(expressions, &text, 1);
	old = MemoryContextSwitchTo(caller);
	check_result(plan, text, &traits);
	MemoryContextSwitchTo(old);
	SPI_finish();
	bev_owner_leave(&scope);

	error_context_stack = context.previous;
	return traits;
}
