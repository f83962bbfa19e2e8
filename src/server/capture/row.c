/*
 * row.c - one version of a captured row: the values of its payload's fields.
 *
 * Values of columns are those of the slot, which has to stay; toasted ones are
 * not fetched here.
 */
#include "server/capture/row.h"

#include "utils/datum.h"
#include "utils/lsyscache.h"

#include "server/attach/row_audience.h"

static void
read_columns(BevMapping *mapping, TupleTableSlot *slot, BevRow *row)
{
	const AttrNumber *attnums = mapping->attnums;
	const Datum *columns = slot->tts_values;
	const bool *column_nulls = slot->tts_isnull;
	Datum *values = row->values;
	bool *nulls = row->nulls;
	int n = mapping->nfields;

	/* The slot has the relation's present columns, those added later as well. */
	if (mapping->last_attnum > 0)
		slot_getsomeattrs(slot, mapping->last_attnum);

	for (int i = 0; i < n; i++)
	{
		AttrNumber attnum = attnums[i];

		if (attnum != InvalidAttrNumber)
		{
			values[i] = columns[attnum - 1];
			nulls[i] = column_nulls[attnum - 1];
		}
		else
		{
			values[i] = (Datum) 0;
			nulls[i] = true;
		}
	}
}

/* What is to be had without SQL. */
static void
read_plain(BevMapping *mapping, TupleTableSlot *slot, BevRow *row)
{
	row->values = palloc((sizeof(Datum) + sizeof(bool)) * mapping->nfields);
	row->nulls = (bool *) (row->values + mapping->nfields);
	row->wanted = true;
	row->failed = row->doubtful = row->provisional = false;
	row->audience = (char *) mapping->constant_audience;
	read_columns(mapping, slot, row);
}

static void
take_fields(BevMapping *mapping, BevRow *row)
{
	for (int i = 0; i < mapping->nfields; i++)
	{
		int n = mapping->fields[i].result;

		if (n >= 0)
		{
			row->values[i] = row->results.values[n];
			row->nulls[i] = row->results.nulls[n];
			row->failed |= row->results.failed[n];
		}
	}
}

static void
take_results(BevMapping *mapping, BevRow *row)
{
	const BevResults *results = &row->results;
	int filter = mapping->filter;
	int audience = mapping->audience;

	take_fields(mapping, row);
	if (audience >= 0)
	{
		row->failed |= results->failed[audience];
		row->audience = bev_row_audience_from_value(
			results->values[audience], results->nulls[audience], results->types[audience]);
	}

	/* As in a WHERE clause, null is no. */
	if (filter >= 0 && !results->failed[filter])
		row->wanted = !results->nulls[filter] && DatumGetBool(results->values[filter]);
	else if (filter >= 0)
	{
		/* Whether it is wanted isn't known: only admins may know it. */
		row->failed = row->doubtful = true;
		row->audience = bev_row_audience_from_value((Datum) 0, true, InvalidOid);
	}
}

void
bev_row_read_evaluated(BevMapping *mapping, TupleTableSlot *slot, const BevResults *results,
                       BevRow *row)
{
	read_plain(mapping, slot, row);
	row->results = *results;
	take_results(mapping, row);
}

void
bev_rows_read(BevMapping *mapping, Relation rel, TupleTableSlot **slots, const Snapshot *snapshots,
              BevRow *rows, int n)
{
	BevResults results[2];

	Assert(n <= (int) lengthof(results));
	if (mapping->expressions)
		bev_evaluation_run(mapping->expressions, rel, slots, snapshots, results, n);

	for (int i = 0; i < n; i++)
	{
		if (mapping->expressions)
			bev_row_read_evaluated(mapping, slots[i], &results[i], &rows[i]);
		else
			read_plain(mapping, slots[i], &rows[i]);
	}
}

static bool
is_expression(const BevMapping *mapping, int field)
{
	return field >= 0 && mapping->fields[field].result >= 0;
}

void
bev_row_read_key(BevMapping *mapping, Relation rel, TupleTableSlot *slot, Snapshot snapshot,
                 BevRow *row)
{
	if (mapping->key >= 0 ?
	        is_expression(mapping, mapping->key) :
	        is_expression(mapping, mapping->person) || is_expression(mapping, mapping->belongs))
		bev_rows_read(mapping, rel, &slot, &snapshot, row, 1);
	else
		read_plain(mapping, slot, row);
}

bool
bev_row_field_failed(const BevMapping *mapping, const BevRow *row, int field)
{
	return field >= 0 && mapping->fields[field].result >= 0 &&
	       row->results.failed[mapping->fields[field].result];
}

/*
 * The same bytes?  An unchanged toasted value has the same pointer in both
 * versions and isn't fetched; only where the stored bytes differ are the values
 * compared.
 */
static inline bool
same_value(Datum old, Datum new, bool typbyval, int16 typlen)
{
	if (typbyval)
		return old == new;
	if (typlen == -1)
	{
		Size size = VARSIZE_ANY(DatumGetPointer(old));

		if (size == VARSIZE_ANY(DatumGetPointer(new)) &&
		    memcmp(DatumGetPointer(old), DatumGetPointer(new), size) == 0)
			return true;
	}
	return datum_image_eq(old, new, typbyval, typlen);
}

static void
result_layout(BevRow *row, int result, bool *typbyval, int16 *typlen)
{
	get_typlenbyval(row->results.types[result], typlen, typbyval);
}

bool
bev_rows_compare(BevMapping *mapping, BevRow *old, BevRow *new, bool *changed)
{
	bool any = false;

	for (int i = 0; i < mapping->nfields; i++)
	{
		BevField *field = &mapping->fields[i];
		bool typbyval = field->encoder.typbyval;
		int16 typlen = field->encoder.typlen;

		if (old->nulls[i] || new->nulls[i])
			changed[i] = old->nulls[i] != new->nulls[i];
		else
		{
			if (field->result >= 0)
				result_layout(new, field->result, &typbyval, &typlen);
			changed[i] = !same_value(old->values[i], new->values[i], typbyval, typlen);
		}
		any |= changed[i] && !field->quiet;
	}
	return any;
}
