/*
 * extra.c - attach()'s argument "extra": what the payload has beside the fields of the entity.
 *
 * Model: a name that is a column's is the column, whatever signs are in it.  "*" leaves out what a
 * field for admins only is made of, so that it doesn't get in by another name; of an expression,
 * only its author knows what it is made of.
 */
#include "server/attach/extra.h"

#include "server/attach/columns_argument.h"
#include "server/attach/field_sql.h"
#include "server/attach/source.h"

#define ALL "*"

/* The name in front of "=", or all of it. */
static char *
name_of(const char *item)
{
	const char *sign = strchr(item, '=');

	return sign ? pnstrdup(item, sign - item) : pstrdup(item);
}

bool
bev_extra_has(List *extra, const char *field)
{
	ListCell *cell;

	foreach (cell, extra)
	{
		const char *item = lfirst(cell);

		if (strcmp(item, ALL) == 0 || strcmp(item, field) == 0 || strcmp(name_of(item), field) == 0)
			return true;
	}
	return false;
}

void
bev_extra_check(Jsonb *columns, const char *field)
{
	if (bev_columns_given(columns, field).text)
		ereport(ERROR,
		        (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		         errmsg("columns: \"%s\" is an extra column and can't be mapped", field),
		         errhint("Write {\"%s\": {\"admin\": true}} to let admins only see it.", field)));
}

/* An identifier as SQL has it without quotes, in either case. */
static bool
is_name(const char *name)
{
	Size len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

	return len > 0 && len < NAMEDATALEN && name[len] == '\0' && (name[0] < '0' || name[0] > '9');
}

static BevSource *
add_source(BevAttachment *attachment, const BevSource *source)
{
	attachment->sources =
		repalloc(attachment->sources, sizeof(BevSource) * (attachment->nsources + 1));
	attachment->sources[attachment->nsources] = *source;
	attachment->nextra++;
	return &attachment->sources[attachment->nsources++];
}

/* Would it be there twice? */
static void
check_new(const BevAttachment *attachment, const char *field)
{
	const BevSource *there = bev_field_source(attachment, field);

	if (there && there >= attachment->sources + attachment->nsources - attachment->nextra)
		ereport(ERROR, (errcode(ERRCODE_DUPLICATE_COLUMN),
		                errmsg("extra: column \"%s\" is named twice", field)));
	if (there || strcmp(field, "truncated") == 0 ||
	    bev_entity_field(attachment->entity, field) >= 0)
		ereport(ERROR, (errcode(ERRCODE_DUPLICATE_COLUMN),
		                errmsg("extra: \"%s\" is a field of the payload already", field)));
}

/* Begin one, of which only where it comes from is missing. */
static BevSource *
begin(BevAttachment *attachment, Jsonb *columns, const char *field)
{
	BevSource source = {.field = field, .admin = bev_columns_given(columns, field).admin};

	if (source.admin)
		bev_source_check_admin(attachment->entity, field);
	check_new(attachment, field);
	return add_source(attachment, &source);
}

static void
add_expression(BevExpressions *expressions, Jsonb *columns, const char *item,
               BevAttachment *attachment)
{
	const char *field = name_of(item);

	if (!is_name(field))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_NAME), errmsg("extra: invalid name \"%s\"", field),
		     errhint("Write name=expression, with a name of letters, digits and underscores.")));
	bev_source_set_expression(begin(attachment, columns, field), expressions, field,
	                          strchr(item, '=') + 1);
}

/* Does a field that only admins see come from this column? */
static bool
is_for_admins(const BevAttachment *attachment, const char *column)
{
	for (int i = 0; i < attachment->nsources; i++)
	{
		const BevSource *source = &attachment->sources[i];

		if (source->admin && source->column && strcmp(source->column, column) == 0)
			return true;
	}
	return false;
}

/* What is virtual is in no row that a trigger gets. */
static bool
is_left_out(const BevAttachment *attachment, Form_pg_attribute column)
{
	const char *name = NameStr(column->attname);

	return column->attisdropped || column->attgenerated == 'v' || strcmp(name, "truncated") == 0 ||
	       bev_field_source(attachment, name) || bev_entity_field(attachment->entity, name) >= 0 ||
	       is_for_admins(attachment, name);
}

static void
add_all(Relation rel, Jsonb *columns, BevAttachment *attachment)
{
	for (int i = 0; i < RelationGetNumberOfAttributes(rel); i++)
	{
		Form_pg_attribute column = TupleDescAttr(RelationGetDescr(rel), i);
		const char *name = pstrdup(NameStr(column->attname));

		if (!is_left_out(attachment, column))
			bev_source_set_column(rel, begin(attachment, columns, name), name, name);
	}
}

static void
add_item(Relation rel, BevExpressions *expressions, Jsonb *columns, const char *item,
         BevAttachment *attachment)
{
	if (strcmp(item, ALL) == 0)
		return;
	if (bev_source_find_column(rel, item) != InvalidAttrNumber)
		bev_source_set_column(rel, begin(attachment, columns, item), item, item);
	else if (strchr(item, '='))
		add_expression(expressions, columns, item, attachment);
	else
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
		                errmsg("extra: column \"%s\" of table \"%s\" does not exist", item,
		                       RelationGetRelationName(rel))));
}

void
bev_extra_resolve(Relation rel, BevExpressions *expressions, Jsonb *columns, List *extra,
                  BevAttachment *attachment)
{
	ListCell *cell;

	foreach (cell, extra)
		add_item(rel, expressions, columns, lfirst(cell), attachment);
	foreach (cell, extra)
		if (strcmp(lfirst(cell), ALL) == 0)
			add_all(rel, columns, attachment);
}
