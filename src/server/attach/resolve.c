/*
 * resolve.c - from what attach() was asked to what the trigger will do.
 *
 * Model: for each field of the entity, in this order: what "columns" says for it, a column of the
 * same name, nothing if the field is optional.  A value in "columns" that is the name of a column
 * means the column; anything else is an expression.  An object says more: {"column": the same,
 * "admin": true}.  Expressions are analyzed here, so that a mistake is found now and not when a row
 * is written.
 */
#include "server/attach/resolve.h"

#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "common/event/event.h"
#include "server/attach/row_audience.h"
#include "server/attach/expression.h"
#include "server/attach/field_sql.h"
#include "server/attach/id_type.h"
#include "server/attach/membership.h"

const char *
bev_resolve_search_path(void)
{
	List *schemas = fetch_search_path(false);
	StringInfoData path;
	ListCell *cell;

	initStringInfo(&path);
	foreach (cell, schemas)
	{
		char *name = get_namespace_name(lfirst_oid(cell));

		if (name && !isAnyTempNamespace(lfirst_oid(cell)))
			appendStringInfo(&path, "%s%s", path.len ? ", " : "", quote_identifier(name));
	}
	return path.data;
}

static const BevEntity *
resolve_entity(const char *name)
{
	const BevEntity *entity = bev_entity_find(name);

	if (entity == NULL)
		ereport(ERROR,
		        (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown entity \"%s\"", name),
		         errhint("Entities are %s.", bev_entity_names())));
	return entity;
}

/* What "columns" says for one field. */
typedef struct Given
{
	const char *text; /* column or expression; NULL: not said */
	bool admin;
} Given;

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
read_object(JsonbContainer *object, const char *field, Given *given)
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

static Given
read_given(Jsonb *columns, const char *field)
{
	Given given = {NULL, false};
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

static bool
is_extra(ArrayType *extra, const char *name)
{
	Datum *names;
	bool *nulls;
	int n;

	if (extra == NULL)
		return false;
	deconstruct_array(extra, TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls, &n);
	for (int i = 0; i < n; i++)
		if (!nulls[i] && strcmp(TextDatumGetCString(names[i]), name) == 0)
			return true;
	return false;
}

/* An extra column has its own name, so there is only one thing to say of it. */
static void
check_extra(Jsonb *columns, const char *name)
{
	if (read_given(columns, name).text)
		ereport(ERROR,
		        (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		         errmsg("columns: \"%s\" is an extra column and can't be mapped", name),
		         errhint("Write {\"%s\": {\"admin\": true}} to let admins only see it.", name)));
}

/* Every member of "columns" must name a field, or an extra column. */
static void
check_columns(const BevEntity *entity, Jsonb *columns, ArrayType *extra)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue value;

	if (!JB_ROOT_IS_OBJECT(columns))
		ereport(ERROR,
		        (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		         errmsg("argument \"columns\" must be a JSON object"),
		         errhint("It maps fields to columns or expressions: {\"title\": \"summary\"}.")));

	it = JsonbIteratorInit(&columns->root);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		char *field;

		if (token != WJB_KEY)
			continue;
		field = pnstrdup(value.val.string.val, value.val.string.len);
		if (bev_entity_field(entity, field) >= 0)
			(void) read_given(columns, field);
		else if (is_extra(extra, field))
			check_extra(columns, field);
		else
			ereport(ERROR,
			        (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			         errmsg("entity \"%s\" has no field \"%s\"", entity->name, field),
			         errdetail("Its fields are %s.", bev_entity_field_names(entity)),
			         errhint("More columns of the table are added with extra => ARRAY['...'].")));
	}
}

/* The user's column of that name, or InvalidAttrNumber. */
static AttrNumber
find_column(Relation rel, const char *name)
{
	AttrNumber attnum = get_attnum(RelationGetRelid(rel), name);

	return attnum > 0 ? attnum : InvalidAttrNumber;
}

static void
set_column(Relation rel, BevSource *source, const char *field, const char *column)
{
	source->field = field;
	source->column = column;
	source->expression = NULL;

	/* Computed when read: not in the rows that a trigger gets. */
	if (TupleDescAttr(RelationGetDescr(rel), find_column(rel, column) - 1)->attgenerated == 'v')
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		                errmsg("column \"%s\" is a virtual generated column", column),
		                errhint("Map the field to the column's expression.")));
}

static void
set_expression(BevSource *source, BevExpressions *expressions, const char *field,
               const char *expression)
{
	source->field = field;
	source->column = NULL;
	source->expression = expression;
	(void) bev_expression_analyze(expressions, expression, field);
}

/*
 * Events are routed and named by these fields, and clients ask for them by these
 * fields: they would show anyway.
 */
static void
check_admin(const BevEntity *entity, const char *field)
{
	const char *const shown[] = {BEV_ENTITY_KEY, entity->status, entity->assignee, entity->project,
	                             entity->bug,    entity->person, entity->principal};

	for (size_t i = 0; i < lengthof(shown); i++)
		if (shown[i] && strcmp(shown[i], field) == 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			                errmsg("columns: \"%s\" can't be for admins only", field),
			                errdetail("Events of entity \"%s\" are routed by it.", entity->name)));
}

/* A membership's principal stands for its project: not by its name alone, where that is there. */
static bool
is_instead(Relation rel, const BevEntity *entity, const BevEntityField *field)
{
	return entity->principal && strcmp(field->name, entity->principal) == 0 &&
	       find_column(rel, entity->project) != InvalidAttrNumber;
}

/* Find the field's source; false when it is optional and there is none. */
static bool
resolve_field(Relation rel, BevExpressions *expressions, const BevEntity *entity,
              const BevEntityField *field, Jsonb *columns, BevSource *source)
{
	Given given = read_given(columns, field->name);

	*source = (BevSource){.admin = given.admin};
	if (given.admin)
		check_admin(entity, field->name);
	if (given.text)
	{
		if (find_column(rel, given.text) != InvalidAttrNumber)
			set_column(rel, source, field->name, given.text);
		else
			set_expression(source, expressions, field->name, given.text);
		return true;
	}
	if (find_column(rel, field->name) != InvalidAttrNumber && !is_instead(rel, entity, field))
	{
		set_column(rel, source, field->name, field->name);
		return true;
	}
	if (field->required)
		ereport(
			ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
		     errmsg("table \"%s\" has no column for the field \"%s\" of entity \"%s\"",
		            RelationGetRelationName(rel), field->name, entity->name),
		     errhint(
				 "Map it with columns => '{\"%s\": \"a column or an SQL expression over row\"}'.",
				 field->name)));
	return false;
}

/* The extra columns; each must exist, be new to the payload, and come once. */
static void
resolve_extra(Relation rel, const BevAttachRequest *request, BevAttachment *attachment)
{
	Datum *names;
	bool *nulls;
	int n;

	deconstruct_array(request->extra, TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls, &n);
	attachment->sources =
		repalloc(attachment->sources, sizeof(BevSource) * (attachment->nsources + Max(n, 1)));
	for (int i = 0; i < n; i++)
	{
		char *name;

		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			                errmsg("argument \"extra\" must not contain nulls")));
		name = TextDatumGetCString(names[i]);
		if (find_column(rel, name) == InvalidAttrNumber)
			ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
			                errmsg("extra: column \"%s\" of table \"%s\" does not exist", name,
			                       RelationGetRelationName(rel))));
		if (strcmp(name, "truncated") == 0 || bev_entity_field(attachment->entity, name) >= 0)
			ereport(ERROR, (errcode(ERRCODE_DUPLICATE_COLUMN),
			                errmsg("extra: \"%s\" is a field of the payload already", name)));
		for (int k = attachment->nsources - attachment->nextra; k < attachment->nsources; k++)
		{
			if (strcmp(attachment->sources[k].field, name) == 0)
				ereport(ERROR, (errcode(ERRCODE_DUPLICATE_COLUMN),
				                errmsg("extra: column \"%s\" is named twice", name)));
		}
		attachment->sources[attachment->nsources] =
			(BevSource){.admin = read_given(request->columns, name).admin};
		set_column(rel, &attachment->sources[attachment->nsources++], name, name);
		attachment->nextra++;
	}
}

static void
check_filter(BevExpressions *expressions, const char *filter)
{
	Oid type = bev_expression_analyze(expressions, filter, "filter").type;

	if (getBaseType(type) != BOOLOID)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
		                errmsg("the filter must be boolean, not %s", format_type_be(type))));
}

/* Does a text have several words, one of which begins like a principal? */
static bool
looks_like_list(const char *text)
{
	static const char *const words[] = {BEV_PRINCIPAL_ALL, BEV_PRINCIPAL_ADMIN, BEV_PRINCIPAL_USER,
	                                    BEV_PRINCIPAL_PROJECT, BEV_PRINCIPAL_GROUP};

	if (strpbrk(text, " ,\t\n") == NULL)
		return false;
	for (size_t i = 0; i < lengthof(words); i++)
		if (strstr(text, words[i]))
			return true;
	return false;
}

/* The value is one principal: what was meant as several would be none. */
static void
warn_of_list(const BevExpressionTraits *traits)
{
	ListCell *cell;

	foreach (cell, traits->literals)
	{
		if (!looks_like_list(lfirst(cell)))
			continue;
		ereport(WARNING,
		        (errmsg("the audience is a text with several principals, and so is none"),
		         errdetail("A value of type text is one principal; nothing in \"%s\" is split, and "
		                   "only admins will see the rows.",
		                   (char *) lfirst(cell)),
		         errhint("Give a text[]: ARRAY['admin', bugevents.principal('project', "
		                 "row.project_id)].")));
		return;
	}
}

/* A constant that was meant to be an expression. */
static void
warn_of_constant(const char *audience, const char *constant)
{
	if (strstr(constant, "row.") == NULL && strpbrk(constant, "|()$'{}") == NULL)
		return;
	ereport(WARNING, (errmsg("the audience \"%s\" is a constant, the same for all rows", audience),
	                  errdetail("It is a list of principals, though it looks like an expression."),
	                  errhint("Over the row, write an expression: bugevents.principal('project', "
	                          "row.project_id).")));
}

static Oid
type_of(Relation rel, BevExpressions *expressions, const BevSource *source)
{
	if (source->expression)
		return bev_expression_analyze(expressions, source->expression, source->field).type;
	return get_atttype(RelationGetRelid(rel), bev_attachment_column(source, RelationGetRelid(rel)));
}

/* Users, and what they belong to, are compared as texts, here and in every lookup. */
static void
check_id(Relation rel, BevExpressions *expressions, const BevAttachment *attachment,
         const char *field)
{
	const BevSource *source = bev_field_source(attachment, field);
	Oid type = source ? type_of(rel, expressions, source) : InvalidOid;

	if (source && !bev_id_type_is_exact(type))
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
		                errmsg("field \"%s\" of entity \"%s\" can't be of type %s", field,
		                       attachment->entity->name, format_type_be(type)),
		                errdetail("Its values have no text that is always the same, and ids are "
		                          "compared as texts."),
		                errhint("Map the field to an expression of type text.")));
}

/* Principals or an expression that gives them. */
static void
check_audience(BevExpressions *expressions, const char *audience)
{
	char *bad;
	char *constant = bev_row_audience_from_list(audience, strlen(audience), &bad);
	BevExpressionTraits traits;

	if (bad == NULL && *constant)
	{
		warn_of_constant(audience, constant);
		return;
	}
	traits = bev_expression_analyze(expressions, audience, "audience");
	if (!bev_row_audience_takes_type(traits.type))
		ereport(ERROR,
		        (errcode(ERRCODE_DATATYPE_MISMATCH),
		         errmsg("the audience must be text or text[], not %s", format_type_be(traits.type)),
		         errhint("Principals are all, admin, user:ID, project:ID and group:NAME.")));
	if (!OidIsValid(get_element_type(getBaseType(traits.type))))
		warn_of_list(&traits);
}

BevAttachment *
bev_attachment_resolve(Relation rel, const BevAttachRequest *request)
{
	BevAttachment *attachment = palloc0(sizeof(BevAttachment));
	const BevEntity *entity = resolve_entity(request->entity);
	BevExpressions *expressions;

	attachment->entity = entity;
	attachment->filter = request->filter;
	attachment->audience = request->audience;
	attachment->search_path = bev_resolve_search_path();
	attachment->sources = palloc(sizeof(BevSource) * BEV_ENTITY_MAX_FIELDS);
	expressions = bev_expressions_create(RelationGetRelid(rel), rel, attachment->search_path);

	if (request->columns)
		check_columns(entity, request->columns, request->extra);
	for (int i = 0; i < entity->nfields; i++)
	{
		if (resolve_field(rel, expressions, entity, &entity->fields[i], request->columns,
		                  &attachment->sources[attachment->nsources]))
			attachment->nsources++;
	}
	if (entity->id == BEV_MEMBERSHIP)
		bev_membership_complete(rel, attachment);
	if (bev_entity_can_decide(entity))
	{
		check_id(rel, expressions, attachment, entity->person);
		check_id(rel, expressions, attachment, entity->project);
		check_id(rel, expressions, attachment, entity->principal);
	}
	if (request->extra)
		resolve_extra(rel, request, attachment);
	if (request->filter)
		check_filter(expressions, request->filter);
	if (request->audience)
		check_audience(expressions, request->audience);
	return attachment;
}
