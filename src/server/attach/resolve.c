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
#include "server/attach/columns_argument.h"
#include "server/attach/extra.h"
#include "server/attach/membership.h"
#include "server/attach/own_kind.h"
#include "server/attach/source.h"
#include "server/base/argument.h"

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
	const BevEntity *entity = bev_entity_of(name);

	if (bev_entity_is_reserved(name))
		ereport(ERROR, (errcode(ERRCODE_RESERVED_NAME), errmsg("entity \"%s\" is reserved", name),
		                errhint("Choose another name for a kind of your own.")));
	if (entity == NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid entity \"%s\"", name),
		     errhint("Entities are %s, and kinds of your own: up to %d lower-case letters, digits "
		             "and underscores, beginning with a letter.",
		             bev_entity_names(), BEV_ENTITY_NAME_MAX)));
	return entity;
}

/* Every member of "columns" must name a field, or an extra one. */
static void
check_columns(const BevEntity *entity, Jsonb *columns, List *extra)
{
	ListCell *cell;

	foreach (cell, bev_columns_fields(columns))
	{
		const char *field = lfirst(cell);

		if (bev_entity_field(entity, field) >= 0)
			(void) bev_columns_given(columns, field);
		else if (bev_extra_has(extra, field))
			bev_extra_check(columns, field);
		else
			ereport(ERROR,
			        (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			         errmsg("entity \"%s\" has no field \"%s\"", entity->name, field),
			         errdetail("Its fields are %s.", bev_entity_field_names(entity)),
			         errhint("More columns of the table are added with extra => ARRAY['...'].")));
	}
}

/* A membership's principal stands for its project: not by its name alone, where that is there. */
static bool
is_instead(Relation rel, const BevEntity *entity, const BevEntityField *field)
{
	return entity->principal && strcmp(field->name, entity->principal) == 0 &&
	       bev_source_find_column(rel, entity->project) != InvalidAttrNumber;
}

/* Find the field's source; false when it is optional and there is none. */
static bool
resolve_field(Relation rel, BevExpressions *expressions, const BevEntity *entity,
              const BevEntityField *field, Jsonb *columns, BevSource *source)
{
	BevGiven given = bev_columns_given(columns, field->name);

	*source = (BevSource){.admin = given.admin};
	if (given.admin)
		bev_source_check_admin(entity, field->name);
	if (given.text)
	{
		bev_source_set(rel, source, expressions, field->name, given.text);
		return true;
	}
	if (bev_source_find_column(rel, field->name) != InvalidAttrNumber &&
	    !is_instead(rel, entity, field))
	{
		bev_source_set_column(rel, source, field->name, field->name);
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

static void
resolve_fields(Relation rel, BevExpressions *expressions, const BevAttachRequest *request,
               List *extra, BevAttachment *attachment)
{
	const BevEntity *entity = attachment->entity;

	check_columns(entity, request->columns, extra);
	attachment->sources = palloc(sizeof(BevSource) * BEV_ENTITY_MAX_FIELDS);
	for (int i = 0; i < entity->nfields; i++)
		if (resolve_field(rel, expressions, entity, &entity->fields[i], request->columns,
		                  &attachment->sources[attachment->nsources]))
			attachment->nsources++;
}

/* Fields whose change alone publishes nothing. */
static void
resolve_quiet(const BevAttachRequest *request, BevAttachment *attachment)
{
	ListCell *cell;

	foreach (cell, bev_argument_texts(request->quiet, "quiet"))
	{
		const char *field = lfirst(cell);
		BevSource *source = (BevSource *) bev_field_source(attachment, field);

		if (source == NULL)
			ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
			                errmsg("quiet: the payload has no field \"%s\"", field)));
		if (strcmp(field, BEV_ENTITY_KEY) == 0 ||
		    (bev_entity_can_decide(attachment->entity) &&
		     (bev_source_is_routing(attachment->entity, field) ||
		      (attachment->entity->role && strcmp(field, attachment->entity->role) == 0))))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			                errmsg("quiet: \"%s\" can't be", field),
			                errdetail("What it is decides which row it is, or who may see what.")));
		source->quiet = true;
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
	List *extra = bev_argument_texts(request->extra, "extra");
	BevExpressions *expressions;

	attachment->entity = entity;
	attachment->filter = request->filter;
	attachment->audience = request->audience;
	attachment->search_path = bev_resolve_search_path();
	expressions = bev_expressions_create(RelationGetRelid(rel), rel, attachment->search_path);

	if (entity->id == BEV_OWN_KIND)
		bev_own_kind_resolve(rel, expressions, request->columns, extra, attachment);
	else
		resolve_fields(rel, expressions, request, extra, attachment);
	if (entity->id == BEV_MEMBERSHIP)
		bev_membership_complete(rel, attachment);
	if (bev_entity_can_decide(entity))
	{
		check_id(rel, expressions, attachment, entity->person);
		check_id(rel, expressions, attachment, entity->project);
		check_id(rel, expressions, attachment, entity->principal);
	}
	bev_extra_resolve(rel, expressions, request->columns, extra, attachment);
	resolve_quiet(request, attachment);
	if (request->filter)
		check_filter(expressions, request->filter);
	if (request->audience)
		check_audience(expressions, request->audience);
	return attachment;
}
