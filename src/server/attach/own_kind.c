/*
 * own_kind.c - the payload of a kind of its own: what attach() was told, and the row's id.
 *
 * Model: a column that isn't named is not published, whatever it is called; but the id is, as
 * nothing could be said of a row without one.  Fields called status, project_id and bug_report_id
 * mean what they do elsewhere (entity.c).
 */
#include "server/attach/own_kind.h"

#include "access/genam.h"
#include "utils/lsyscache.h"

#include "server/attach/columns_argument.h"
#include "server/attach/extra.h"
#include "server/attach/source.h"
#include "server/base/compat.h"

/* The column that is the primary key; NULL: it has none, or of several columns. */
static const char *
find_primary_key(Relation rel)
{
	Oid index = bev_primary_key(rel);
	Relation key;
	const char *name = NULL;

	if (!OidIsValid(index))
		return NULL;
	key = index_open(index, AccessShareLock);
	if (IndexRelationGetNumberOfKeyAttributes(key) == 1)
		name = get_attname(RelationGetRelid(rel), key->rd_index->indkey.values[0], false);
	index_close(key, NoLock);
	return name;
}

static void
resolve_id(Relation rel, BevExpressions *expressions, Jsonb *columns, BevSource *source)
{
	BevGiven given = bev_columns_given(columns, BEV_ENTITY_KEY);
	const char *key = given.text ? given.text : find_primary_key(rel);

	if (key == NULL)
		ereport(ERROR,
		        (errcode(ERRCODE_UNDEFINED_COLUMN),
		         errmsg("table \"%s\" has no primary key of one column to be the field \"%s\"",
		                RelationGetRelationName(rel), BEV_ENTITY_KEY),
		         errhint("Map it with columns => '{\"%s\": \"a column or an SQL expression over "
		                 "row\"}'; it has to tell rows apart.",
		                 BEV_ENTITY_KEY)));
	*source = (BevSource){.admin = given.admin};
	bev_source_set(rel, source, expressions, BEV_ENTITY_KEY, key);
}

static void
check_field(const char *field)
{
	if (*field == '\0' || strlen(field) >= NAMEDATALEN || strcmp(field, "truncated") == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_NAME),
		                errmsg("columns: \"%s\" can't be the name of a field", field)));
}

static void
resolve_field(Relation rel, BevExpressions *expressions, const char *field, BevGiven given,
              BevSource *source)
{
	check_field(field);
	*source = (BevSource){.admin = given.admin};
	if (given.text == NULL && bev_source_find_column(rel, field) == InvalidAttrNumber)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
		                errmsg("columns: table \"%s\" has no column \"%s\"",
		                       RelationGetRelationName(rel), field),
		                errhint("Give the name of a column or an SQL expression over row.")));
	bev_source_set(rel, source, expressions, field, given.text ? given.text : field);
}

void
bev_own_kind_resolve(Relation rel, BevExpressions *expressions, Jsonb *columns, List *extra,
                     BevAttachment *attachment)
{
	List *fields = bev_columns_fields(columns);
	ListCell *cell;

	attachment->sources = palloc(sizeof(BevSource) * (list_length(fields) + 1));
	resolve_id(rel, expressions, columns, &attachment->sources[attachment->nsources++]);
	foreach (cell, fields)
	{
		const char *field = lfirst(cell);
		BevGiven given = bev_columns_given(columns, field);

		if (given.admin)
			bev_source_check_admin(attachment->entity, field);
		if (strcmp(field, BEV_ENTITY_KEY) == 0 ||
		    (given.text == NULL && bev_extra_has(extra, field)))
			continue;
		resolve_field(rel, expressions, field, given, &attachment->sources[attachment->nsources++]);
	}
}
