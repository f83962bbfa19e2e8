/*
 * columns_argument.c - attach()'s argument "columns": what it says of each field.
 */
#include "server/attach/columns_argument.h"

static void
report_malformed(const char *field)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
	     errmsg("columns: the value for \"%s\" must be a string or an object", field),
	     errhint(
			 "Give the name of a column or an SQL expression, or {\"column\": ..., \"admin\": true}.")));
}

static void
read_object(JsonbContainer *object, const char *field, BevGiven *given)
{
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbValue value;
	JsonbIteratorToken token;
	char *name = NULL;

	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			name = pnstrdup(value.val.string.val, value.val.string.len);
		else if (token == WJB_VALUE && strcmp(name, "column") == 0 && value.type == jbvString)
			given->text = pnstrdup(value.val.string.val, value.val.string.len);
		else if (token == WJB_VALUE && strcmp(name, "admin") == 0 && value.type == jbvBool)
			given->admin = value.val.boolean;
		else if (token == WJB_VALUE || token == WJB_BEGIN_ARRAY)
			report_malformed(field);
	}
}

BevGiven
bev_columns_given(Jsonb *columns, const char *field)
{
	BevGiven given = {NULL, false};
	JsonbValue *value =
		columns ? getKeyJsonValueFromContainer(&columns->root, field, strlen(field), NULL) : NULL;

	if (value == NULL)
		return given;
	if (value->type == jbvString)
		given.text = pnstrdup(value->val.string.val, value->val.string.len);
	else if (value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data))
		read_object(value->val.binary.data, field, &given);
	else
		report_malformed(field);
	return given;
}

List *
bev_columns_fields(Jsonb *columns)
{
	List *names = NIL;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue value;

	if (columns == NULL)
		return NIL;
	if (!JB_ROOT_IS_OBJECT(columns))
		ereport(ERROR,
		        (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		         errmsg("argument \"columns\" must be a JSON object"),
		         errhint("It maps fields to columns or expressions: {\"title\": \"summary\"}.")));
	it = JsonbIteratorInit(&columns->root);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
		if (token == WJB_KEY)
			names = lappend(names, pnstrdup(value.val.string.val, value.val.string.len));
	return names;
}
