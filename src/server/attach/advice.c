/*
 * advice.c - what attach() warns of: what is valid, and probably not meant.
 *
 * Model: users of whom none is active, or none an admin; ids of users that are uuids written in
 * another way than others write them, which are other users, and an error where a table has one in
 * two ways; what expressions look up in other tables that aren't followed; a lookup of users, or of
 * rows by their key, without an index.  Audiences are looked at where they are analyzed
 * (resolve.c).
 *
 * Failure: rows that can't be looked at, or not within TIME_LIMIT, are not; what is wrong with them
 * is told when they change.  Expressions that write fail, as they do elsewhere (test/t/303).
 *
 * Cost: the first ROWS_MAX rows of a table of users or memberships.
 */
#include "server/attach/advice.h"

#include "access/genam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "server/base/subtransaction.h"
#include "server/base/time_limit.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "server/attach/access_statement.h"
#include "server/attach/attached.h"
#include "server/attach/expression.h"
#include "server/attach/field_sql.h"
#include "server/attach/follows.h"
#include "server/attach/id_type.h"
#include "server/attach/owner.h"
#include "server/attach/row_audience.h"
#include "common/event/user_facts.h"

#define ROWS_MAX   10000
#define TIME_LIMIT 500 /* ms */

/* ---- users ---- */

typedef struct UserCount
{
	Relation rel;
	const BevAttachment *attachment;
	bool known; /* false: they could not be counted */
	int64 all;
	int64 active;
	int64 admins;
} UserCount;

static char *
build_count(const UserCount *count)
{
	const BevAttachment *attachment = count->attachment;
	Oid relid = RelationGetRelid(count->rel);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(
		&sql,
		"SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE s OPERATOR(pg_catalog.=) "
		"'%s'), pg_catalog.count(*) FILTER (WHERE r OPERATOR(pg_catalog.=) '%s')"
		" FROM (SELECT (%s)::pg_catalog.text AS s, (%s)::pg_catalog.text AS r FROM %s",
		BEV_STATUS_ACTIVE, BEV_ROLE_ADMIN,
		bev_field_sql(attachment, relid, attachment->entity->status),
		bev_field_sql(attachment, relid, attachment->entity->role), bev_field_from(relid));
	if (attachment->filter)
		appendStringInfo(&sql, " WHERE (%s\n)", attachment->filter);
	appendStringInfo(&sql, " LIMIT %d) AS u", ROWS_MAX);
	return sql.data;
}

static int64
counted(int column)
{
	bool isnull;

	return DatumGetInt64(
		SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull));
}

static void
count_step(void *arg)
{
	UserCount *count = arg;
	BevOwnerScope scope = bev_owner_enter(bev_attached_owner(RelationGetRelid(count->rel)),
	                                      bev_owner_search_path(count->attachment->search_path));

	XactReadOnly = true; /* of this subtransaction */
	if (SPI_connect() != SPI_OK_CONNECT ||
	    SPI_execute(build_count(count), true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not count users");
	count->all = counted(1);
	count->active = counted(2);
	count->admins = counted(3);
	SPI_finish();
	bev_owner_leave(&scope);
	count->known = true;
}

/* Can the field's values be a word?  A column of numbers can't; of an expression it isn't said. */
static bool
may_be_word(const UserCount *count, const char *field)
{
	Oid type = bev_field_type(count->attachment, RelationGetRelid(count->rel), field);
	char category;
	bool preferred;

	if (!OidIsValid(type))
		return true;
	get_type_category_preferred(type, &category, &preferred);
	return category == TYPCATEGORY_STRING || category == TYPCATEGORY_ENUM;
}

static void
warn_of_field(const UserCount *count, const char *field, const char *word, const char *so)
{
	Oid type = bev_field_type(count->attachment, RelationGetRelid(count->rel), field);
	const char *of_type =
		may_be_word(count, field) ? "" : psprintf(", and it is of type %s", format_type_be(type));

	ereport(
		WARNING,
		(count->all > 0 ?
	         errmsg("none of the %lld users in table \"%s\" has the %s \"%s\", so %s",
	                (long long) count->all, RelationGetRelationName(count->rel), field, word, so) :
	         errmsg("no user in table \"%s\" can have the %s \"%s\", so %s",
	                RelationGetRelationName(count->rel), field, word, so),
	     errdetail("The field \"%s\" is compared with that word%s.", field, of_type),
	     errhint("Map it: columns => '{\"%s\": \"CASE WHEN ... THEN ''%s'' ELSE ''...'' END\"}'.",
	             field, word)));
}

/* Errors are nobody's: what can't be looked at isn't. */
static void
look(void (*step)(void *arg), void *arg)
{
	bev_time_limit_begin(TIME_LIMIT);
	PG_TRY();
	{
		(void) bev_subtransaction_run(step, arg, false);
	}
	PG_FINALLY();
	{
		bev_time_limit_end();
	}
	PG_END_TRY();
}

static void
look_at_users(Relation rel, const BevAttachment *attachment)
{
	UserCount count = {.rel = rel, .attachment = attachment};
	const BevEntity *entity = attachment->entity;

	look(count_step, &count);
	if (!count.known)
		return;
	if (count.all > 0 ? count.active == 0 : !may_be_word(&count, entity->status))
		warn_of_field(&count, entity->status, BEV_STATUS_ACTIVE, "nobody may connect");
	if (count.all > 0 ? count.admins == 0 : !may_be_word(&count, entity->role))
		warn_of_field(&count, entity->role, BEV_ROLE_ADMIN, "nobody is an admin");
}

/* ---- how ids are written ---- */

/* Ids that are uuids, as texts. */
typedef struct Spelling
{
	Relation rel;
	const BevAttachment *attachment;
	const char *field;
	char *other; /* one that PostgreSQL would write in another way; NULL: there is none */
	char *twice; /* one that is there in two ways, as PostgreSQL writes it; NULL: there is none */
	MemoryContext context;
} Spelling;

#define UUID_PATTERN "([0-9a-fA-F]{4}-?){7}[0-9a-fA-F]{4}"

static char *
build_spelling(const Spelling *spelling)
{
	const BevAttachment *attachment = spelling->attachment;
	Oid relid = RelationGetRelid(spelling->rel);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(
		&sql,
		"SELECT pg_catalog.min(u) FILTER (WHERE n OPERATOR(pg_catalog.>) 1), pg_catalog.min(t) FROM (SELECT u, pg_catalog.count(DISTINCT t)"
		" AS n, pg_catalog.min(t) FILTER (WHERE t OPERATOR(pg_catalog.<>) u) AS t"
		" FROM (SELECT t, (CASE WHEN t OPERATOR(pg_catalog.~) '^(" UUID_PATTERN "|\\{" UUID_PATTERN
		"\\})$' THEN t END)::pg_catalog.uuid::pg_catalog.text AS u"
		" FROM (SELECT (%s)::pg_catalog.text COLLATE \"C\" AS t FROM %s",
		bev_field_sql(attachment, relid, spelling->field), bev_field_from(relid));
	if (attachment->filter)
		appendStringInfo(&sql, " WHERE (%s\n)", attachment->filter);
	appendStringInfo(&sql, " LIMIT %d) AS id) AS uuid WHERE u IS NOT NULL GROUP BY u) AS written",
	                 ROWS_MAX);
	return sql.data;
}

static char *
found_text(const Spelling *spelling, int column)
{
	char *value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column);

	return value ? MemoryContextStrdup(spelling->context, value) : NULL;
}

static void
spelling_step(void *arg)
{
	Spelling *spelling = arg;
	BevOwnerScope scope = bev_owner_enter(bev_attached_owner(RelationGetRelid(spelling->rel)),
	                                      bev_owner_search_path(spelling->attachment->search_path));

	XactReadOnly = true; /* of this subtransaction */
	if (SPI_connect() != SPI_OK_CONNECT ||
	    SPI_execute(build_spelling(spelling), true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not look at ids");
	spelling->twice = found_text(spelling, 1);
	spelling->other = found_text(spelling, 2);
	SPI_finish();
	bev_owner_leave(&scope);
}

/* Ids are compared as texts everywhere: of numbers, uuids and the like each value has one. */
static void
look_at_spelling(Relation rel, const BevAttachment *attachment, const char *field)
{
	Spelling spelling = {
		.rel = rel, .attachment = attachment, .field = field, .context = CurrentMemoryContext};
	BevIdSearch search =
		bev_id_type_search(bev_field_type(attachment, RelationGetRelid(rel), field));

	if (search == BEV_ID_INTEGER || search == BEV_ID_UUID)
		return;
	look(spelling_step, &spelling);
	if (spelling.twice)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		     errmsg("the id %s is written in more than one way in table \"%s\"", spelling.twice,
		            RelationGetRelationName(rel)),
		     errdetail("The field \"%s\" is compared as text: to bugevents they are several ids.",
		               field),
		     errhint("Give the column the type uuid, or write each uuid in one way.")));
	if (spelling.other)
		ereport(
			WARNING,
			(errmsg("the id %s in table \"%s\" has to be written so wherever it is meant",
		            spelling.other, RelationGetRelationName(rel)),
		     errdetail("The field \"%s\" is compared as text, with tokens and with other tables; "
		               "PostgreSQL writes a uuid in small letters, with hyphens.",
		               field),
		     errhint("Give the column the type uuid.")));
}

/* ---- what expressions look up ---- */

/* Tables that are read and not followed, added to others. */
static List *
add_unfollowed(List *tables, BevExpressions *expressions, const char *text)
{
	BevExpressionTraits traits = bev_expression_analyze(expressions, text, "expression");
	ListCell *cell;
	ListCell *follow;

	foreach (cell, traits.tables)
	{
		bool followed = lfirst_oid(cell) == expressions->table;

		if (get_rel_relkind(lfirst_oid(cell)) == RELKIND_VIEW)
			continue; /* its tables are there, too */
		foreach (follow, bev_follows_list())
		{
			BevFollow *one = lfirst(follow);

			followed |= one->lookup == lfirst_oid(cell) && one->tbl == expressions->table;
		}
		if (!followed)
			tables = list_append_unique_oid(tables, lfirst_oid(cell));
	}
	return tables;
}

static void
tell_unfollowed(Relation rel, List *tables, int level, const char *what)
{
	StringInfoData names;
	ListCell *cell;

	if (tables == NIL)
		return;
	initStringInfo(&names);
	foreach (cell, tables)
		appendStringInfo(&names, "%s%s", names.len ? ", " : "", get_rel_name(lfirst_oid(cell)));
	ereport(level,
	        (errmsg("%s of table \"%s\" depends on what it doesn't follow: %s", what,
	                RelationGetRelationName(rel), names.data),
	         errdetail("When a row there changes, nobody is told of it here."),
	         errhint("bugevents.follow('%s', '%s', 'SELECT ...') says which rows depend on it.",
	                 get_rel_name(linitial_oid(tables)), RelationGetRelationName(rel))));
}

/* What says who may see what has to be right; the rest is only shown. */
static void
look_at_lookups(Relation rel, const BevAttachment *attachment)
{
	BevExpressions *expressions =
		bev_expressions_create(RelationGetRelid(rel), rel, attachment->search_path);
	bool decides = bev_entity_can_decide(attachment->entity);
	List *rights = NIL;
	List *shown = NIL;
	char *bad;

	for (int i = 0; i < attachment->nsources; i++)
		if (attachment->sources[i].expression)
		{
			List **tables = decides ? &rights : &shown;

			*tables = add_unfollowed(*tables, expressions, attachment->sources[i].expression);
		}
	if (attachment->filter)
		rights = add_unfollowed(rights, expressions, attachment->filter);
	if (attachment->audience &&
	    (*bev_row_audience_from_list(attachment->audience, strlen(attachment->audience), &bad) ==
	         '\0' ||
	     bad))
		rights = add_unfollowed(rights, expressions, attachment->audience);
	tell_unfollowed(rel, rights, WARNING, "who may see rows");
	tell_unfollowed(rel, list_difference_oid(shown, rights), NOTICE, "what is shown of rows");
}

/* ---- comments ---- */

static bool
is_for_some(const BevAttachment *attachment)
{
	return attachment->filter ||
	       (attachment->audience && strcmp(attachment->audience, BEV_PRINCIPAL_ALL) != 0);
}

static void
warn_of_comments(Oid comments, Oid bugs)
{
	ereport(WARNING,
	        (errmsg("comments in table \"%s\" are for everybody, bugs in table \"%s\" are not",
	                get_rel_name(comments), get_rel_name(bugs)),
	         errhint("Give the comments an audience that looks into \"%s\", and "
	                 "bugevents.follow() it.",
	                 get_rel_name(bugs))));
}

/* A comment tells of its bug. */
static void
look_at_comments(Oid relid, const BevAttachment *attachment)
{
	bool bugs = attachment->entity->id == BEV_BUG_REPORT;
	ListCell *cell;

	if ((!bugs && attachment->entity->id != BEV_COMMENT) || is_for_some(attachment) != bugs)
		return;
	foreach (cell, bev_attached_tables())
	{
		const BevAttached *attached = lfirst(cell);
		const BevAttachment *other =
			attached->relid == relid ? NULL :
									   bev_attachment_try_read(attached->argument, attached->relid);

		if (other && other->entity->id == (bugs ? BEV_COMMENT : BEV_BUG_REPORT) &&
		    is_for_some(other) != bugs)
			warn_of_comments(bugs ? attached->relid : relid, bugs ? relid : attached->relid);
	}
}

/* ---- the lookup ---- */

/* Does an index begin with the column, for all rows? */
static bool
has_index(Relation rel, AttrNumber attnum)
{
	bool found = false;
	ListCell *cell;

	foreach (cell, RelationGetIndexList(rel))
	{
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);

		found |= index->rd_index->indisvalid && index->rd_index->indkey.values[0] == attnum &&
		         RelationGetIndexPredicate(index) == NIL;
		index_close(index, AccessShareLock);
	}
	return found;
}

static void
look_at_index(Relation rel, const BevAttachment *attachment)
{
	const BevSource *person = bev_field_source(attachment, attachment->entity->person);

	Oid type = bev_field_type(attachment, RelationGetRelid(rel), attachment->entity->person);
	bool can = bev_id_type_search(type) != BEV_ID_OTHER;

	if (can && has_index(rel, bev_attachment_column(person, RelationGetRelid(rel))))
		return;
	ereport(WARNING,
	        (errmsg("there is no index to find a user by in table \"%s\"",
	                RelationGetRelationName(rel)),
	         errdetail("It is looked up whenever a client connects."),
	         can ?
	             errhint("CREATE INDEX ON %s (%s)", quote_identifier(RelationGetRelationName(rel)),
	                     quote_identifier(person->column)) :
	             errhint("Map \"%s\" to a column of whole numbers, uuid or text that has one.",
	                     person->field)));
}

/* Rows are got and listed by their key: how long that takes would tell how many there are. */
static void
look_at_key(Relation rel, const BevAttachment *attachment)
{
	const BevSource *key = bev_field_source(attachment, BEV_ENTITY_KEY);

	if (key == NULL ||
	    (key->column && has_index(rel, bev_attachment_column(key, RelationGetRelid(rel)))))
		return;
	ereport(
		WARNING,
		(errmsg("there is no index to find rows of table \"%s\" by", RelationGetRelationName(rel)),
	     errdetail("They are got, listed and watched by the field \"%s\".", BEV_ENTITY_KEY),
	     key->column ?
	         errhint("CREATE INDEX ON %s (%s)", quote_identifier(RelationGetRelationName(rel)),
	                 quote_identifier(key->column)) :
	         errhint("Map \"%s\" to a column that has one.", BEV_ENTITY_KEY)));
}

void
bev_advice_give(Relation rel, const BevAttachment *attachment)
{
	if (attachment->entity->id == BEV_USER)
		look_at_users(rel, attachment);
	look_at_lookups(rel, attachment);
	look_at_comments(RelationGetRelid(rel), attachment);
	if (bev_entity_can_decide(attachment->entity))
	{
		look_at_spelling(rel, attachment, attachment->entity->person);
		if (attachment->entity->id == BEV_MEMBERSHIP &&
		    bev_field_source(attachment, attachment->entity->project))
			look_at_spelling(rel, attachment, attachment->entity->project);
		look_at_index(rel, attachment);
	}
	if (attachment->entity->id != BEV_MEMBERSHIP)
		look_at_key(rel, attachment);
}
