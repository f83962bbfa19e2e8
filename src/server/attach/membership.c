/*
 * membership.c - what a table of memberships needs beyond other tables.
 *
 * Model: a row says that a user belongs to a project or, where "principal" is mapped, to that. A
 * right is there as long as one row gives it, so rows are told apart: by their id, or by user and
 * value where these are unique.  Else the primary key becomes the id; of two rows that say the same
 * and can't be told apart, the first that goes would take the right (test/t/305).
 */
#include "server/attach/membership.h"

#include "access/genam.h"
#include "catalog/pg_index.h"
#include "lib/stringinfo.h"
#include "server/base/compat.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "server/attach/field_sql.h"

/* The field that says what a user belongs to. */
static const BevSource *
value_source(const BevAttachment *attachment)
{
	const BevSource *principal = bev_field_source(attachment, attachment->entity->principal);

	return principal ? principal : bev_field_source(attachment, attachment->entity->project);
}

/* Is the column one of the two? */
static bool
is_one_of(AttrNumber attnum, Oid relid, const BevSource *a, const BevSource *b)
{
	return (a->column && bev_attachment_column(a, relid) == attnum) ||
	       (b->column && bev_attachment_column(b, relid) == attnum);
}

/* Are there no two rows with the same user and value, by this index? */
static bool
makes_unique(Oid indexid, Oid relid, const BevSource *user, const BevSource *value)
{
	Relation index = index_open(indexid, AccessShareLock);
	Form_pg_index form = index->rd_index;
	bool unique = form->indisunique && form->indimmediate && form->indisvalid &&
	              RelationGetIndexPredicate(index) == NIL;

	for (int i = 0; i < form->indnkeyatts; i++)
		unique = unique && is_one_of(form->indkey.values[i], relid, user, value);
	index_close(index, AccessShareLock);
	return unique;
}

static bool
is_unique(Relation rel, const BevSource *user, const BevSource *value)
{
	ListCell *cell;

	foreach (cell, RelationGetIndexList(rel))
		if (makes_unique(lfirst_oid(cell), RelationGetRelid(rel), user, value))
			return true;
	return false;
}

/* The primary key: one column, or an expression of several. */
static BevSource
primary_key(Relation rel)
{
	Oid indexid = bev_primary_key(rel);
	BevSource source = {.field = BEV_ENTITY_KEY};
	StringInfoData sql;
	Relation index;
	int n;

	if (!OidIsValid(indexid))
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		     errmsg("the memberships in table \"%s\" can't be told apart",
		            RelationGetRelationName(rel)),
		     errdetail("If two rows give a right, losing one of them would take it."),
		     errhint("Give the table a primary key, or a unique index on the columns of user and "
		             "project; or map \"%s\".",
		             BEV_ENTITY_KEY)));
	index = index_open(indexid, AccessShareLock);
	n = index->rd_index->indnkeyatts;
	initStringInfo(&sql);
	for (int i = 0; i < n; i++)
	{
		source.column = bev_column_name(RelationGetRelid(rel), index->rd_index->indkey.values[i]);
		appendStringInfo(&sql, "%srow.%s", i ? ", " : "", quote_identifier(source.column));
	}
	index_close(index, AccessShareLock);
	if (n > 1)
	{
		source.column = NULL;
		source.expression = psprintf("pg_catalog.jsonb_build_array(%s)::pg_catalog.text", sql.data);
	}
	return source;
}

void
bev_membership_complete(Relation rel, BevAttachment *attachment)
{
	const BevSource *user = bev_field_source(attachment, attachment->entity->person);
	const BevSource *value = value_source(attachment);

	if (value == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
		                errmsg("table \"%s\" has no column for the field \"%s\" of entity \"%s\"",
		                       RelationGetRelationName(rel), attachment->entity->project,
		                       attachment->entity->name),
		                errhint("Map it, or \"%s\" to what the user belongs to: "
		                        "\"bugevents.principal('group', row.team)\".",
		                        attachment->entity->principal)));
	if (bev_field_source(attachment, BEV_ENTITY_KEY) || is_unique(rel, user, value))
		return;
	memmove(attachment->sources + 1, attachment->sources,
	        sizeof(BevSource) * attachment->nsources++);
	attachment->sources[0] = primary_key(rel);
}
