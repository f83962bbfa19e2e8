/*
 * evaluation.c - the values of an attachment's expressions, for rows as of snapshots.
 *
 * Model: an UPDATE has two rows, and each sees the database as of its own moment: the new one as
 * the transaction leaves it, the old one as it was before.  Both are run by one plan.
 *
 * Rights: as the owner (expression.c).  It is a subtransaction that is read only, which also
 * holds for the functions that are called (sql/expressions.sql), and that has limits for its time,
 * its memory and its temporary files.
 *
 * Failure: an error costs the writer nothing.  When all the expressions fail together, the rows
 * are evaluated one by one, and when a row fails, its expressions are, each in a statement of
 * its own: so one spoils no other.  What can't even be analyzed, or took too long, isn't tried
 * again in the same transaction.
 *
 * Cost: two looks at the clock (shared/expression_stats.h); a subtransaction and an execution for
 * each call; where something fails, one for each expression.
 */
#include "server/attach/evaluation.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "portability/instr_time.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "server/attach/owner.h"
#include "server/base/memory_limit.h"
#include "server/base/subtransaction.h"
#include "server/base/time_limit.h"
#include "server/shared/expression_stats.h"

/* So long may the expressions of a row take, in ms. */
#define TIME_LIMIT 2000

/* Some of the expressions, for some rows. */
typedef struct Evaluation
{
	BevExpressions *expressions;
	TupleTableSlot **rows;
	const Snapshot *snapshots;
	BevResults *results;
	int n;
	int only; /* number of an expression; -1: all of them */
	MemoryContext caller;
} Evaluation;

static void
copy_value(BevResults *results, int number, HeapTuple tuple, TupleDesc desc, int column)
{
	Form_pg_attribute att = TupleDescAttr(desc, column);
	Datum value = SPI_getbinval(tuple, desc, column + 1, &results->nulls[number]);

	results->types[number] = att->atttypid;
	if (results->nulls[number])
		results->values[number] = (Datum) 0;
	else if (att->attlen == -1)
		results->values[number] = PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
	else
		results->values[number] = datumCopy(value, att->attbyval, att->attlen);
}

/* Copy what SPI found to memory that outlives SPI_finish(). */
static void
copy_results(const Evaluation *evaluation, BevResults *results)
{
	TupleDesc desc = SPI_tuptable->tupdesc;
	int wanted = evaluation->only >= 0 ? 1 : evaluation->expressions->nresults;
	MemoryContext old;

	if (SPI_processed != 1 || desc->natts != wanted)
		ereport(ERROR, (errcode(ERRCODE_CARDINALITY_VIOLATION),
		                errmsg("the expressions don't give one value each any more")));

	old = MemoryContextSwitchTo(evaluation->caller);
	for (int i = 0; i < wanted; i++)
		copy_value(results, Max(evaluation->only, 0) + i, SPI_tuptable->vals[0], desc, i);
	MemoryContextSwitchTo(old);
}

static SPIPlanPtr
plan_of(const Evaluation *evaluation)
{
	BevExpressions *expressions = evaluation->expressions;
	int only = evaluation->only;
	SPIPlanPtr *plan = only >= 0 ? &expressions->plans[only] : &expressions->plan;

	if (*plan == NULL)
	{
		SPIPlanPtr made = bev_expressions_prepare(expressions, expressions->texts + Max(only, 0),
		                                          only >= 0 ? 1 : expressions->nresults);

		if (only < 0)
			expressions->looks_up = bev_expressions_look_up(made);
		SPI_keepplan(made);
		*plan = made;
	}
	return *plan;
}

static void
evaluate(void *arg)
{
	const Evaluation *evaluation = arg;
	BevExpressions *expressions = evaluation->expressions;
	BevOwnerScope scope = bev_owner_enter(expressions->owner, expressions->search_path);
	SPIPlanPtr plan;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = plan_of(evaluation);
	for (int i = 0; i < evaluation->n; i++)
	{
		Snapshot snapshot = evaluation->snapshots ? evaluation->snapshots[i] : GetActiveSnapshot();

		bev_expressions_execute(expressions, plan, evaluation->rows[i], snapshot, 2);
		copy_results(evaluation, &evaluation->results[i]);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_finish();
	bev_owner_leave(&scope);
}

/* Was there one, in this evaluation, that took too long? */
static bool was_late;

/* Does it end the transaction, whatever one thinks of the expression? */
static bool
must_be_thrown(int sqlerrcode)
{
	return sqlerrcode == ERRCODE_T_R_SERIALIZATION_FAILURE ||
	       ERRCODE_TO_CATEGORY(sqlerrcode) == ERRCODE_TO_CATEGORY(ERRCODE_OPERATOR_INTERVENTION);
}

/* A step of somebody's; limited: a worker, which knows what it has time for, limits it already. */
typedef struct Step
{
	void (*step)(void *arg);
	void *arg;
	bool limited;
} Step;

static void
take_step(void *arg)
{
	const Step *step = arg;
	volatile bool bounded = false;
	int temp_files = bev_temp_file_limit_begin();

	XactReadOnly = true; /* of this subtransaction */
	if (!step->limited)
		bev_time_limit_begin(TIME_LIMIT);
	PG_TRY();
	{
		bounded = bev_memory_limit_begin();
		step->step(step->arg);
	}
	PG_FINALLY();
	{
		if (bounded)
			bev_memory_limit_end();
		bev_temp_file_limit_end(temp_files);
		if (!step->limited)
			bev_time_limit_end();
	}
	PG_END_TRY();
}

ErrorData *
bev_evaluation_attempt(void (*step)(void *arg), void *arg, bool *late)
{
	Step limited = {.step = step, .arg = arg, .limited = bev_time_limit_is_set()};
	ErrorData *error = bev_subtransaction_any_error(take_step, &limited);

	*late = error && !limited.limited && bev_time_limit_exceeded();
	was_late |= *late;
	if (error && must_be_thrown(error->sqlerrcode) && !*late)
		ReThrowError(error);
	return error;
}

static void
report_failure(BevExpressions *expressions, Relation rel, int number, const ErrorData *error,
               bool late)
{
	TimestampTz transaction = GetCurrentTransactionStartTimestamp();
	const char *message = late ? "it took too long" : error->message;

	bev_expression_stats_failed(expressions->table,
	                            psprintf("%s: %s", expressions->texts[number], message));
	if (expressions->warned == transaction)
		return;
	expressions->warned = transaction;
	ereport(
		WARNING,
		(errcode(error->sqlerrcode),
	     errmsg("bugevents could not evaluate an expression of table \"%s\": %s",
	            RelationGetRelationName(rel), message),
	     errdetail("The expression is \"%s\".", expressions->texts[number]),
	     errhint(
			 "The event is published without it, to admins only if it is the filter or the audience; correct it with bugevents.attach().")));
}

/* One expression by itself, for one row. */
static void
evaluate_one(Evaluation evaluation, Relation rel, int number)
{
	BevExpressions *expressions = evaluation.expressions;
	TimestampTz transaction = GetCurrentTransactionStartTimestamp();
	BevResults *results = evaluation.results;
	ErrorData *error;
	bool late;

	results->failed[number] = true;
	results->nulls[number] = true;
	if (expressions->spoiled[number] == transaction)
	{
		bev_expression_stats_failed(expressions->table, NULL);
		return;
	}
	evaluation.only = number;
	error = bev_evaluation_attempt(evaluate, &evaluation, &late);
	results->failed[number] = error != NULL;
	if (error == NULL)
		return;
	results->nulls[number] = true;
	if (late || expressions->plans[number] == NULL)
		expressions->spoiled[number] = transaction;
	report_failure(expressions, rel, number, error, late);
	FreeErrorData(error);
}

/* Is there an expression that isn't tried again? */
static bool
is_spoiled(const BevExpressions *expressions)
{
	for (int i = 0; expressions->spoiled && i < expressions->nresults; i++)
		if (expressions->spoiled[i] == GetCurrentTransactionStartTimestamp())
			return true;
	return false;
}

static bool
evaluate_together(const Evaluation *evaluation)
{
	ErrorData *error;
	bool late;

	if (is_spoiled(evaluation->expressions))
		return false;
	error = bev_evaluation_attempt(evaluate, unconstify(Evaluation *, evaluation), &late);
	if (error)
		FreeErrorData(error);
	return error == NULL;
}

static void
prepare_for_each(BevExpressions *expressions)
{
	if (expressions->plans)
		return;
	expressions->spoiled =
		MemoryContextAllocZero(expressions->context, sizeof(TimestampTz) * expressions->nresults);
	expressions->plans =
		MemoryContextAllocZero(expressions->context, sizeof(SPIPlanPtr) * expressions->nresults);
}

static void
prepare_results(const BevExpressions *expressions, BevResults *results)
{
	results->values = palloc0(sizeof(Datum) * expressions->nresults);
	results->nulls = palloc0(sizeof(bool) * expressions->nresults);
	results->failed = palloc0(sizeof(bool) * expressions->nresults);
	results->types = palloc0(sizeof(Oid) * expressions->nresults);
}

static void
run(BevExpressions *expressions, Relation rel, TupleTableSlot **rows, const Snapshot *snapshots,
    BevResults *results, int n)
{
	Evaluation all = {.expressions = expressions,
	                  .rows = rows,
	                  .snapshots = snapshots,
	                  .results = results,
	                  .n = n,
	                  .only = -1,
	                  .caller = CurrentMemoryContext};

	for (int i = 0; i < n; i++)
		prepare_results(expressions, &results[i]);
	if (evaluate_together(&all))
		return;
	prepare_for_each(expressions);
	for (int i = 0; i < n; i++)
	{
		Evaluation one = all;

		one.rows = rows + i;
		one.snapshots = snapshots ? snapshots + i : NULL;
		one.results = results + i;
		one.n = 1;
		if (n > 1 && evaluate_together(&one))
			continue;
		for (int k = 0; k < expressions->nresults; k++)
			evaluate_one(one, rel, k);
	}
}

/* ---- many rows ---- */

typedef struct Many
{
	BevExpressions *expressions;
	Relation rel;
	const ItemPointerData *places;
	int n;
	const Snapshot *snapshots;
	BevResults *results;
	MemoryContext caller;
} Many;

static Datum
array_of_places(const Many *many)
{
	Datum *places = palloc(sizeof(Datum) * many->n);

	for (int i = 0; i < many->n; i++)
		places[i] = PointerGetDatum(&many->places[i]);
	return PointerGetDatum(
		construct_array(places, many->n, TIDOID, sizeof(ItemPointerData), false, TYPALIGN_SHORT));
}

static int
compare_places(const void *a, const void *b)
{
	return ItemPointerCompare(unconstify(ItemPointerData *, (const ItemPointerData *) a),
	                          unconstify(ItemPointerData *, (const ItemPointerData *) b));
}

/* Which of the places the row has that was found. */
static int
find_place(const Many *many, HeapTuple tuple, TupleDesc desc)
{
	bool isnull;
	ItemPointer place = (ItemPointer) DatumGetPointer(SPI_getbinval(tuple, desc, 1, &isnull));
	const ItemPointerData *found =
		bsearch(place, many->places, many->n, sizeof(ItemPointerData), compare_places);

	if (found == NULL)
		elog(ERROR, "a row was found that wasn't looked for");
	return (int) (found - many->places);
}

static void
copy_many(const Many *many, int side)
{
	TupleDesc desc = SPI_tuptable->tupdesc;
	MemoryContext old;

	if (SPI_processed != (uint64) many->n || desc->natts != many->expressions->nresults + 1)
		ereport(ERROR, (errcode(ERRCODE_CARDINALITY_VIOLATION),
		                errmsg("the expressions don't give one value each any more")));
	old = MemoryContextSwitchTo(many->caller);
	for (int row = 0; row < many->n; row++)
	{
		HeapTuple tuple = SPI_tuptable->vals[row];
		BevResults *results = &many->results[2 * find_place(many, tuple, desc) + side];

		for (int i = 0; i < many->expressions->nresults; i++)
			copy_value(results, i, tuple, desc, i + 1);
	}
	MemoryContextSwitchTo(old);
}

static void
evaluate_many(void *arg)
{
	const Many *many = arg;
	BevExpressions *expressions = many->expressions;
	BevOwnerScope scope = bev_owner_enter(expressions->owner, expressions->search_path);
	Datum places;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (expressions->many == NULL)
	{
		SPIPlanPtr made = bev_expressions_prepare_many(expressions, many->rel);

		SPI_keepplan(made);
		expressions->many = made;
	}
	places = array_of_places(many);
	for (int side = 0; side < 2; side++)
	{
		int rc = SPI_execute_snapshot(expressions->many, &places, NULL, many->snapshots[side],
		                              InvalidSnapshot, true, false, 0);

		if (rc != SPI_OK_SELECT)
			elog(ERROR, "could not evaluate expressions: %s", SPI_result_code_string(rc));
		copy_many(many, side);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_finish();
	bev_owner_leave(&scope);
}

static void
note_costs(const BevExpressions *expressions, Relation rel, int n, instr_time begin, BevPace pace)
{
	instr_time end;

	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, begin);
	bev_expression_stats_evaluated(expressions->table, RelationGetRelationName(rel), n,
	                               INSTR_TIME_GET_MICROSEC(end), pace);
}

bool
bev_evaluation_run_many(BevExpressions *expressions, Relation rel, const ItemPointerData *places,
                        int n, const Snapshot *snapshots, BevResults *results)
{
	instr_time begin;
	Many many = {.expressions = expressions,
	             .rel = rel,
	             .places = places,
	             .n = n,
	             .snapshots = snapshots,
	             .results = results,
	             .caller = CurrentMemoryContext};
	ErrorData *error;
	bool late;

	if (is_spoiled(expressions))
		return false;
	for (int i = 0; i < 2 * n; i++)
		prepare_results(expressions, &results[i]);
	INSTR_TIME_SET_CURRENT(begin);
	error = bev_evaluation_attempt(evaluate_many, &many, &late);
	if (error == NULL)
		note_costs(expressions, rel, 2 * n, begin, BEV_IN_TIME);
	else
		FreeErrorData(error); /* who evaluates the rows one by one then counts it */
	return error == NULL;
}

/* With what it costs; a worker's own limit ends it with an error. */
void
bev_evaluation_run(BevExpressions *expressions, Relation rel, TupleTableSlot **rows,
                   const Snapshot *snapshots, BevResults *results, int n)
{
	bool spoiled = is_spoiled(expressions);
	instr_time begin;

	was_late = false;
	INSTR_TIME_SET_CURRENT(begin);
	PG_TRY();
	{
		run(expressions, rel, rows, snapshots, results, n);
	}
	PG_CATCH();
	{
		if (bev_time_limit_exceeded())
			note_costs(expressions, rel, n, begin, BEV_TOO_LONG);
		PG_RE_THROW();
	}
	PG_END_TRY();
	note_costs(expressions, rel, n, begin,
	           was_late ? BEV_TOO_LONG :
	           spoiled  ? BEV_NOT_TRIED :
	                      BEV_IN_TIME);
}
