/*
 * field_sql.c - the fields of an attached table as SQL, for queries that read it.
 */
#include "server/attach/field_sql.h"

#include "catalog/pg_class.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

const BevSource *
bev_field_source(const BevAttachment *attachment, const char *field)
{
	for (int i = 0; field && i < attachment->nsources; i++)
		if (strcmp(attachment->sources[i].field, field) == 0)
			return &attachment->sources[i];
	return NULL;
}

/* The column's name as it is now. */
static char *
column_name(Oid relid, const BevSource *source)
{
	AttrNumber attnum = bev_attachment_column(source, relid);

	if (attnum == InvalidAttrNumber)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
		                errmsg("column \"%s\" of table \"%s\" does not exist any more",
		                       source->column, get_rel_name(relid)),
		                errhint("Attach the table again with bugevents.attach().")));
	return bev_column_name(relid, attnum);
}

char *
bev_field_sql(const BevAttachment *attachment, Oid relid, const char *field)
{
	const BevSource *source = bev_field_source(attachment, field);

	if (source == NULL)
		return NULL;
	if (source->expression)
		return psprintf("(%s\n)", source->expression);
	return psprintf("row.%s", quote_identifier(column_name(relid, source)));
}

Oid
bev_field_type(const BevAttachment *attachment, Oid relid, const char *field)
{
	const BevSource *source = bev_field_source(attachment, field);

	if (source == NULL || source->expression)
		return InvalidOid;
	return getBaseType(get_atttype(relid, bev_attachment_column(source, relid)));
}

char *
bev_field_from(Oid relid)
{
	return psprintf("%s%s AS row",
	                get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
	                quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
	                                           get_rel_name(relid)));
}
