/*
 * rowkey.c - which row of a table an explanation is about.
 *
 * Rights: looking for the row runs code of the table's owner (operators, checks of a
 * domain), so it happens with the owner's rights, as a capture's expressions do.  That
 * the caller may read the table is the caller's affair.
 */
#include "server/explain/rowkey.h"

#include "access/sysattr.h"
#include "server/attach/attached.h"
#include "server/attach/field_sql.h"
#include "server/attach/owner.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/relcache.h"

static void
add_column(Relation rel, AttrNumber attnum, BevRowKey *key)
{
	key->attnum[key->n] = attnum;
	key->type[key->n] = getBaseType(get_atttype(RelationGetRelid(rel), attnum));
	key->n++;
}

/* False: nothing identifies a row. */
static bool
find_columns(Relation rel, const BevAttachment *attachment, BevRowKey *key)
{
	Bitmapset *primary = RelationGetIndexAttrBitmap(rel, INDEX_ATTR_BITMAP_PRIMARY_KEY);
	int i = -1;

	while ((i = bms_next_member(primary, i)) >= 0)
		add_column(rel, i + FirstLowInvalidHeapAttributeNumber, key);
	if (key->n == 0 && attachment)
	{
		const BevSource *source = bev_field_source(attachment, BEV_ENTITY_KEY);
		AttrNumber attnum = source && source->column ?
		                        bev_attachment_column(source, RelationGetRelid(rel)) :
		                        InvalidAttrNumber;

		if (attnum != InvalidAttrNumber)
			add_column(rel, attnum, key);
	}
	return key->n > 0;
}

static void
report_misfit(Relation rel, const BevRowKey *key)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < key->n; i++)
		appendStringInfo(&names, "%s\"%s\"", i ? ", " : "",
		                 get_attname(RelationGetRelid(rel), key->attnum[i], false));
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
	     errmsg("the key doesn't identify a row of \"%s\"", RelationGetRelationName(rel)),
	     errdetail("A row is known by %s.", names.data),
	     errhint("Give the value of the only column, or a JSON object with a value for each.")));
}

static char *
scalar_text(Relation rel, const BevRowKey *key, const JsonbValue *value)
{
	switch (value ? value->type : jbvNull)
	{
		case jbvString:
			return pnstrdup(value->val.string.val, value->val.string.len);
		case jbvNumeric:
			return DatumGetCString(
				DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
		case jbvBool:
			return pstrdup(value->val.boolean ? "true" : "false");
		default:
			report_misfit(rel, key);
			return NULL;
	}
}

static void
read_object(Relation rel, Jsonb *json, BevRowKey *key)
{
	if ((int) JB_ROOT_COUNT(json) != key->n)
		report_misfit(rel, key);
	for (int i = 0; i < key->n; i++)
	{
		char *name = get_attname(RelationGetRelid(rel), key->attnum[i], false);

		key->text[i] = scalar_text(
			rel, key, getKeyJsonValueFromContainer(&json->root, name, strlen(name), NULL));
	}
}

bool
bev_rowkey_read(Relation rel, const BevAttachment *attachment, Jsonb *json, BevRowKey *key)
{
	*key = (BevRowKey){0};
	if (!find_columns(rel, attachment, key))
		return false;
	if (JB_ROOT_IS_OBJECT(json))
		read_object(rel, json, key);
	else if (JB_ROOT_IS_SCALAR(json) && key->n == 1)
		key->text[0] = scalar_text(rel, key, getIthJsonbValueFromContainer(&json->root, 0));
	else
		report_misfit(rel, key);
	return true;
}

static char *
build_query(Relation rel, const BevRowKey *key)
{
	Oid relid = RelationGetRelid(rel);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT row.tableoid, row.ctid FROM %s WHERE ", bev_field_from(relid));
	for (int i = 0; i < key->n; i++)
		appendStringInfo(&sql, "%srow.%s = $%d", i ? " AND " : "",
		                 quote_identifier(get_attname(relid, key->attnum[i], false)), i + 1);
	return sql.data;
}

static void
convert(BevRowKey *key)
{
	for (int i = 0; i < key->n; i++)
	{
		Oid input;
		Oid param;

		getTypeInputInfo(key->type[i], &input, &param);
		key->value[i] = OidInputFunctionCall(input, key->text[i], param, -1);
	}
}

static bool
run_query(const char *sql, BevRowKey *key, Oid *relid, ItemPointer tid)
{
	bool found;
	bool isnull;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(sql, key->n, key->type, key->value, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not execute \"%s\"", sql);
	found = SPI_processed > 0;
	if (found)
	{
		HeapTuple row = SPI_tuptable->vals[0];
		TupleDesc desc = SPI_tuptable->tupdesc;

		*relid = DatumGetObjectId(SPI_getbinval(row, desc, 1, &isnull));
		*tid = *(ItemPointer) DatumGetPointer(SPI_getbinval(row, desc, 2, &isnull));
	}
	SPI_finish();
	return found;
}

bool
bev_rowkey_find(Relation rel, const BevAttachment *attachment, BevRowKey *key, Oid *relid,
                ItemPointer tid)
{
	char *sql = build_query(rel, key);
	BevOwnerScope scope = bev_owner_enter(
		rel->rd_rel->relowner, bev_owner_search_path(attachment ? attachment->search_path : NULL));
	bool found;

	convert(key);
	found = run_query(sql, key, relid, tid);
	bev_owner_leave(&scope);
	return found;
}

char *
bev_rowkey_show(Relation rel, const BevRowKey *key)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < key->n; i++)
		appendStringInfo(&out, "%s%s = %s", i ? ", " : "",
		                 get_attname(RelationGetRelid(rel), key->attnum[i], false), key->text[i]);
	return out.data;
}
