/*
 * where_condition.c - "where" of a list, as far as SQL can say it.
 *
 * Model: a field that is a column of an integer type, a text or a boolean becomes a condition on
 * the column, so that an index is used: its values are those that the column can have at all, as
 * constants.  Nothing is said of expressions and other types, and nothing of a field for admins
 * only: how many rows are looked at would tell others what is in it.
 */
#include "server/responder/where_condition.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "server/attach/field_sql.h"

/* A field and its values: a list of JsonbValue. */
typedef struct Condition
{
	char *field;
	List *values;
} Condition;

/* ---- reading ---- */

static bool
is_scalar(const JsonbValue *value)
{
	return value->type == jbvNull || value->type == jbvString || value->type == jbvNumeric ||
	       value->type == jbvBool;
}

/* One value, or those of a list; false: it is neither. */
static bool
read_values(const JsonbValue *value, List **values)
{
	JsonbContainer *list;

	if (is_scalar(value))
	{
		*values = list_make1((void *) value);
		return true;
	}
	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		return false;
	list = value->val.binary.data;
	for (uint32 i = 0; i < JsonContainerSize(list); i++)
	{
		JsonbValue *one = getIthJsonbValueFromContainer(list, i);

		if (!is_scalar(one))
			return false;
		*values = lappend(*values, one);
	}
	return true;
}

static bool
read_condition(JsonbContainer *where, const char *field, List **conditions)
{
	Condition *condition = palloc0(sizeof(Condition));
	JsonbValue *value = getKeyJsonValueFromContainer(where, field, strlen(field), NULL);

	condition->field = pstrdup(field);
	*conditions = lappend(*conditions, condition);
	return value && read_values(value, &condition->values);
}

static bool
read_all(Jsonb *json, List **conditions)
{
	JsonbValue *where = getKeyJsonValueFromContainer(&json->root, "where", strlen("where"), NULL);
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue value;

	*conditions = NIL;
	if (where == NULL)
		return true;
	if (where->type != jbvBinary || !JsonContainerIsObject(where->val.binary.data))
		return false;
	it = JsonbIteratorInit(where->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
		if (token == WJB_KEY &&
		    !read_condition(where->val.binary.data,
		                    pnstrdup(value.val.string.val, value.val.string.len), conditions))
			return false;
	return true;
}

/* Does one of the tables publish it? */
static bool
is_published(List *tables, const char *field)
{
	ListCell *cell;

	foreach (cell, tables)
		if (bev_field_source(((BevAttachedTable *) lfirst(cell))->attachment, field))
			return true;
	return tables == NIL;
}

bool
bev_where_read(Jsonb *json, List *tables, List **conditions, BevAnswer *answer)
{
	ListCell *cell;

	if (!read_all(json, conditions))
	{
		bev_answer_error(answer, "invalid_field", "where", "expected fields and their values");
		return false;
	}
	foreach (cell, *conditions)
		if (!is_published(tables, ((Condition *) lfirst(cell))->field))
		{
			bev_answer_error(answer, "invalid_field", "where",
			                 "rows of this type have no such field");
			return false;
		}
	return true;
}

/* ---- SQL ---- */

/* A whole number of up to 18 digits, as people write it; NULL: it is none. */
static char *
as_integer(const JsonbValue *value)
{
	char *text;
	const char *digits;

	if (value->type == jbvNumeric)
		text = numeric_normalize(value->val.numeric);
	else if (value->type == jbvString)
		text = pnstrdup(value->val.string.val, value->val.string.len);
	else
		return NULL;
	digits = text + (*text == '-');
	return *digits && strlen(digits) <= 18 && strspn(digits, "0123456789") == strlen(digits) ?
	           text :
	           NULL;
}

static char *
as_text(const JsonbValue *value)
{
	if (value->type == jbvNumeric)
		return numeric_normalize(value->val.numeric);
	return value->type == jbvString ? pnstrdup(value->val.string.val, value->val.string.len) : NULL;
}

static char *
as_boolean(const JsonbValue *value)
{
	return value->type == jbvBool ? (value->val.boolean ? "true" : "false") : NULL;
}

/* How values of a column are written; NULL: nothing is said of such columns. */
typedef struct Type
{
	char *(*write)(const JsonbValue *value);
	const char *name;
} Type;

static Type
type_of(Oid type)
{
	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return (Type){as_integer, "bigint"};
		case TEXTOID:
		case VARCHAROID:
			return (Type){as_text, "text"};
		case BOOLOID:
			return (Type){as_boolean, "boolean"};
		default:
			return (Type){NULL, NULL};
	}
}

/* Append that the column has one of the values; what it can't have is left out. */
static void
append_values(StringInfo sql, const char *column, const Type *type, List *values)
{
	bool null = false;
	const char *between = "";
	ListCell *cell;

	appendStringInfo(sql, " AND (%s OPERATOR(pg_catalog.=) ANY (ARRAY[", column);
	foreach (cell, values)
	{
		const JsonbValue *value = lfirst(cell);
		char *text = type->write(value);

		null |= value->type == jbvNull;
		if (text == NULL)
			continue;
		appendStringInfo(sql, "%s%s", between, quote_literal_cstr(text));
		between = ",";
	}
	appendStringInfo(sql, "]::pg_catalog.%s[])",
	                 strcmp(type->name, "bigint") == 0  ? "int8" :
	                 strcmp(type->name, "boolean") == 0 ? "bool" :
	                                                      "text");
	if (null)
		appendStringInfo(sql, " OR %s IS NULL", column);
	appendStringInfoChar(sql, ')');
}

void
bev_where_append(StringInfo sql, const BevAttachedTable *table, List *conditions)
{
	ListCell *cell;

	foreach (cell, conditions)
	{
		const Condition *condition = lfirst(cell);
		const BevSource *source = bev_field_source(table->attachment, condition->field);
		Type type = {NULL, NULL};

		if (source && source->column && !source->admin)
			type = type_of(bev_field_type(table->attachment, table->relid, condition->field));
		if (type.write)
			append_values(sql, bev_field_sql(table->attachment, table->relid, condition->field),
			              &type, condition->values);
	}
}
