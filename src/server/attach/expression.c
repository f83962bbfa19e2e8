/*
 * expression.c - SQL expressions over a row, evaluated as the table's owner.
 *
 * Model: all the expressions of an attachment are one statement,
 *
 *	SELECT (e1), (e2) FROM (SELECT $1 AS id, $2 AS title, ...) AS row
 *
 * whose plan is kept for the session.  The columns are parameters of their own
 * and not one composite value: making that would fetch every toasted column of
 * the row, used or not.  The expressions see what the statement that fired the
 * trigger has written.
 *
 * Rights: the expressions were given by the table's owner, and whoever writes to
 * the table runs them.  So they run with the owner's rights, in a
 * security-restricted operation, and names are looked up with the search_path of
 * the attach.  A text must be one expression by itself, so that none can close
 * the parenthesis that it stands in.
 *
 * Failure: evaluation happens in a subtransaction.  An error becomes a warning,
 * and the event goes out without what the expressions would have given; to admins only,
 * if they would have said whether and to whom (row.c).
 */
#include "server/attach/expression.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/resowner.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "server/attach/attachment.h"
#include "server/encode/encode.h"
#include "server/attach/owner.h"

/* A plan lives in a context of its own; it has to go with the expressions. */
static void
free_plan(void *arg)
{
	BevExpressions *expressions = arg;

	if (expressions->plan)
		SPI_freeplan(expressions->plan);
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

static char *
build_statement(BevExpressions *expressions, const char **texts, int n)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");

	/* The newline ends a comment at the end of an expression. */
	for (int i = 0; i < n; i++)
		appendStringInfo(&sql, "%s(%s\n)", i ? ", " : "", texts[i]);

	appendStringInfoString(&sql, " FROM (SELECT ");
	for (int i = 0; i < expressions->ncolumns; i++)
	{
		Oid collation = expressions->column_collations[i];

		appendStringInfo(&sql, "%s$%d", i ? ", " : "", i + 1);
		if (OidIsValid(collation) && collation != get_typcollation(expressions->column_types[i]))
			appendStringInfo(&sql, " COLLATE %s", generate_collation_name(collation));
		appendStringInfo(&sql, " AS %s", quote_identifier(expressions->column_names[i]));
	}
	appendStringInfoString(&sql, ") AS row");
	return sql.data;
}

/* Prepare, as the owner; SPI is connected. */
static SPIPlanPtr
prepare(BevExpressions *expressions, const char **texts, int n)
{
	SPIPlanPtr plan;

	/* The rows differ, the way to what belongs to them doesn't. */
	plan = SPI_prepare_cursor(build_statement(expressions, texts, n), expressions->ncolumns,
	                          expressions->column_types, CURSOR_OPT_GENERIC_PLAN);
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

/* By itself, is the text one expression and nothing more? */
static void
check_syntax(const char *text)
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

/* One row in, one value out: the type of that value. */
static Oid
check_result(SPIPlanPtr plan, const char *text)
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
	return TupleDescAttr(source->resultDesc, 0)->atttypid;
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

Oid
bev_expression_type(BevExpressions *expressions, const char *text, const char *label)
{
	ErrorContextCallback context = {
		.previous = error_context_stack, .callback = add_label, .arg = (void *) label};
	BevOwnerScope scope;
	Oid type;

	error_context_stack = &context;
	check_syntax(text);

	scope = bev_owner_enter(expressions->owner, expressions->search_path);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	type = check_result(prepare(expressions, &text, 1), text);
	SPI_finish();
	bev_owner_leave(&scope);

	error_context_stack = context.previous;
	return type;
}

static void
read_parameters(BevExpressions *expressions, TupleTableSlot *row, Datum *values, char *nulls)
{
	for (int i = 0; i < expressions->ncolumns; i++)
	{
		bool isnull;

		values[i] = slot_getattr(row, expressions->column_attnums[i], &isnull);
		nulls[i] = isnull ? 'n' : ' ';
	}
}

/* Copy what SPI found to memory that outlives SPI_finish(). */
static void
copy_results(BevExpressions *expressions, BevResults *results, MemoryContext context)
{
	TupleDesc desc = SPI_tuptable->tupdesc;
	MemoryContext old;

	if (SPI_processed != 1 || desc->natts != expressions->nresults)
		ereport(ERROR, (errcode(ERRCODE_CARDINALITY_VIOLATION),
		                errmsg("the expressions don't give one value each any more")));

	old = MemoryContextSwitchTo(context);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		Datum value = SPI_getbinval(SPI_tuptable->vals[0], desc, i + 1, &results->nulls[i]);

		results->types[i] = att->atttypid;
		if (results->nulls[i])
			results->values[i] = (Datum) 0;
		else if (att->attlen == -1)
			results->values[i] = PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
		else
			results->values[i] = datumCopy(value, att->attbyval, att->attlen);
	}
	MemoryContextSwitchTo(old);
}

static void
evaluate(BevExpressions *expressions, TupleTableSlot **rows, BevResults *results, int n,
         MemoryContext context)
{
	BevOwnerScope scope = bev_owner_enter(expressions->owner, expressions->search_path);
	Datum *values;
	char *nulls;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (expressions->plan == NULL)
	{
		SPIPlanPtr plan = prepare(expressions, expressions->texts, expressions->nresults);

		SPI_keepplan(plan);
		expressions->plan = plan;
	}

	values = palloc(sizeof(Datum) * expressions->ncolumns);
	nulls = palloc(expressions->ncolumns);
	for (int i = 0; i < n; i++)
	{
		int rc;

		read_parameters(expressions, rows[i], values, nulls);
		rc = SPI_execute_plan(expressions->plan, values, nulls, false, 2);
		if (rc != SPI_OK_SELECT)
			elog(ERROR, "could not evaluate expressions: %s", SPI_result_code_string(rc));
		copy_results(expressions, &results[i], context);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_finish();
	bev_owner_leave(&scope);
}

/* Does the error concern more than the expression? */
static bool
must_be_thrown(int sqlerrcode)
{
	int category = ERRCODE_TO_CATEGORY(sqlerrcode);

	return sqlerrcode == ERRCODE_ASSERT_FAILURE ||
	       category == ERRCODE_TO_CATEGORY(ERRCODE_TRANSACTION_ROLLBACK) ||
	       category == ERRCODE_TO_CATEGORY(ERRCODE_INSUFFICIENT_RESOURCES) ||
	       category == ERRCODE_TO_CATEGORY(ERRCODE_OPERATOR_INTERVENTION);
}

static void
report_failure(Relation rel, ErrorData *error)
{
	ereport(
		WARNING,
		(errcode(error->sqlerrcode),
	     errmsg("bugevents could not evaluate the expressions of table \"%s\": %s",
	            RelationGetRelationName(rel), error->message),
	     error->detail ? errdetail_internal("%s", error->detail) : 0,
	     errhint(
			 "The event is published without them, and to admins only if there is a filter or an audience among them; correct them with bugevents.attach().")));
}

bool
bev_expressions_evaluate(BevExpressions *expressions, Relation rel, TupleTableSlot **rows,
                         BevResults *results, int n)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool ok = true;

	for (int i = 0; i < n; i++)
	{
		results[i].values = palloc0(sizeof(Datum) * expressions->nresults);
		results[i].nulls = palloc0(sizeof(bool) * expressions->nresults);
		results[i].types = palloc0(sizeof(Oid) * expressions->nresults);
	}

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(caller);
	PG_TRY();
	{
		evaluate(expressions, rows, results, n, caller);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(caller);
		CurrentResourceOwner = owner;
		if (must_be_thrown(error->sqlerrcode))
			ReThrowError(error);
		report_failure(rel, error);
		FreeErrorData(error);
		ok = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
	return ok;
}
