/*
 * source.c - where a field of the payload comes from, while a table is being attached.
 */
#include "server/attach/source.h"

#include "utils/lsyscache.h"

AttrNumber
bev_source_find_column(Relation rel, const char *name)
{
	AttrNumber attnum = get_attnum(RelationGetRelid(rel), name);

	return attnum > 0 ? attnum : InvalidAttrNumber;
}

void
bev_source_set_column(Relation rel, BevSource *source, const char *field, const char *column)
{
	source->field = field;
	source->column = column;
	source->expression = NULL;

	/* Computed when read: not in the rows that a trigger gets. */
	if (TupleDescAttr(RelationGetDescr(rel), bev_source_find_column(rel, column) - 1)
	        ->attgenerated == 'v')
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		                errmsg("column \"%s\" is a virtual generated column", column),
		                errhint("Map the field to the column's expression.")));
}

void
bev_source_set_expression(BevSource *source, BevExpressions *expressions, const char *field,
                          const char *expression)
{
	source->field = field;
	source->column = NULL;
	source->expression = expression;
	(void) bev_expression_analyze(expressions, expression, field);
}

void
bev_source_set(Relation rel, BevSource *source, BevExpressions *expressions, const char *field,
               const char *text)
{
	if (bev_source_find_column(rel, text) != InvalidAttrNumber)
		bev_source_set_column(rel, source, field, text);
	else
		bev_source_set_expression(source, expressions, field, text);
}

bool
bev_source_is_routing(const BevEntity *entity, const char *field)
{
	const char *const routing[] = {BEV_ENTITY_KEY,   entity->status, entity->assignee,
	                               entity->project,  entity->bug,    entity->person,
	                               entity->principal};

	for (size_t i = 0; i < lengthof(routing); i++)
		if (routing[i] && strcmp(routing[i], field) == 0)
			return true;
	return false;
}

void
bev_source_check_admin(const BevEntity *entity, const char *field)
{
	if (bev_source_is_routing(entity, field))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		                errmsg("columns: \"%s\" can't be for admins only", field),
		                errdetail("Events of entity \"%s\" are routed by it.", entity->name)));
}
