/*
 * rows.c - rows that are gathered to be written by one statement.
 *
 * Model: the statement takes a column as an array, and makes rows of them by unnest(), so that a
 * thousand rows cost its executor's start once.
 *
 * Memory: a context of their own, which is emptied when they are written: ROWS_MAX of them, or
 * BYTES_MAX and one.
 */
#include "notify/projector/rows.h"

#include "utils/array.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#define ROWS_MAX  1000
#define BYTES_MAX (4 * 1024 * 1024)

void
bev_rows_clear(BevRows *rows)
{
	if (rows->context == NULL)
		rows->context = AllocSetContextCreate(TopMemoryContext, "bugevents gathered rows",
		                                      ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(rows->context);
	rows->n = rows->max = 0;
	rows->values = NULL;
}

static void
make_room(BevRows *rows)
{
	if (rows->n < rows->max)
		return;
	rows->max = Max(64, rows->max * 2);
	rows->values = rows->values ?
	                   repalloc(rows->values, sizeof(BevValue) * rows->max * rows->columns) :
	                   palloc(sizeof(BevValue) * rows->max * rows->columns);
}

static BevValue
copy_value(const BevValue *value)
{
	BevValue copy = *value;
	int16 len;
	bool by_value;

	get_typlenbyval(value->type, &len, &by_value);
	if (!value->isnull)
		copy.value = datumCopy(value->value, by_value, len);
	return copy;
}

void
bev_rows_add(BevRows *rows, const BevValue *values)
{
	MemoryContext caller = MemoryContextSwitchTo(rows->context);

	make_room(rows);
	for (int i = 0; i < rows->columns; i++)
		rows->values[rows->n * rows->columns + i] = copy_value(&values[i]);
	rows->n++;
	MemoryContextSwitchTo(caller);
	if (rows->n == ROWS_MAX || MemoryContextMemAllocated(rows->context, false) > BYTES_MAX)
		bev_rows_write(rows);
}

/* A column as an array, in the current context. */
static BevValue
column_of(const BevRows *rows, int column)
{
	Oid type = rows->values[column].type;
	Datum *values = palloc(sizeof(Datum) * rows->n);
	bool *nulls = palloc(sizeof(bool) * rows->n);
	int lower = 1;
	int16 len;
	bool by_value;
	char align;

	for (int i = 0; i < rows->n; i++)
	{
		const BevValue *value = &rows->values[i * rows->columns + column];

		values[i] = value->value;
		nulls[i] = value->isnull;
	}
	get_typlenbyvalalign(type, &len, &by_value, &align);
	return (BevValue){get_array_type(type), false,
	                  PointerGetDatum(construct_md_array(values, nulls, 1, (int *) &rows->n, &lower,
	                                                     type, len, by_value, align))};
}

void
bev_rows_write(BevRows *rows)
{
	MemoryContext caller = CurrentMemoryContext;
	BevValue columns[BEV_STATEMENT_MAX_VALUES];

	if (rows->n == 0)
		return;
	MemoryContextSwitchTo(rows->context);
	for (int i = 0; i < rows->columns; i++)
		columns[i] = column_of(rows, i);
	bev_statement_run(rows->statement, rows->columns, columns);
	if (SPI_tuptable)
		bev_statement_done();
	MemoryContextSwitchTo(caller);
	bev_rows_clear(rows);
}
