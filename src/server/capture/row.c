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
	/* The slot has the relation's present columns, those added later as well. */
	if (mapping->last_attnum > 0)
		slot_getsomeattrs(slot, mapping->last_attnum);

	for (int i = 0; i < mapping->nfields; i++)
	{
		AttrNumber attnum = mapping->fields[i].attnum;

		if (attnum != InvalidAttrNumber)
		{
			row->values[i] = slot->tts_values[attnum - 1];
			row->nulls[i] = slot->tts_isnull[attnum - 1];
		}
		else
			row->nulls[i] = true;
	}
}

static void
take_results(BevMapping *mapping, BevRow *row, bool ok)
{
	BevResults *results = &row->results;

	row->failed = !ok;
	for (int i = 0; ok && i < mapping->nfields; i++)
	{
		int n = mapping->fields[i].result;

		if (n >= 0)
		{
			row->values[i] = results->values[n];
			row->nulls[i] = results->nulls[n];
		}
	}

	/* As in a WHERE clause, null is no. */
	if (mapping->filter >= 0 && ok)
		row->wanted =
			!results->nulls[mapping->filter] && DatumGetBool(results->values[mapping->filter]);

	if (mapping->audience >= 0 && ok)
	{
		int n = mapping->audience;

		row->audience =
			bev_row_audience_from_value(results->values[n], results->nulls[n], results->types[n]);
	}

	/* Whether it is wanted, or for whom it is, is not known: only admins may know it. */
	if (!ok && (mapping->audience >= 0 || mapping->filter >= 0))
		row->audience = bev_row_audience_from_value((Datum) 0, true, InvalidOid);
}

void
bev_rows_read(BevMapping *mapping, Relation rel, TupleTableSlot **slots, BevRow *rows, int n)
{
	BevResults results[2];
	bool ok = true;

	Assert(n <= (int) lengthof(results));
	if (mapping->expressions)
		ok = bev_expressions_evaluate(mapping->expressions, rel, slots, results, n);

	for (int i = 0; i < n; i++)
	{
		BevRow *row = &rows[i];

		row->values = palloc0(sizeof(Datum) * mapping->nfields);
		row->nulls = palloc(sizeof(bool) * mapping->nfields);
		row->wanted = true;
		row->failed = false;
		row->audience = (char *) mapping->constant_audience;
		read_columns(mapping, slots[i], row);
		if (mapping->expressions)
		{
			row->results = results[i];
			take_results(mapping, row, ok);
		}
	}
}

/*
 * The same bytes?  An unchanged toasted value has the same pointer in both
 * versions and isn't fetched; only where the stored bytes differ are the values
 * compared.
 */
static bool
same_value(Datum old, Datum new, bool typbyval, int16 typlen)
{
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
		any |= changed[i];
	}
	return any;
}
