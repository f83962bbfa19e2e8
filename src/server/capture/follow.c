/*
 * follow.c - bugevents.follow() and unfollow(): what attached tables look up elsewhere.
 *
 * Model: a row of bugevents.follows (attach/follows.h), and triggers on the lookup that log its
 * changes like those of an attached table.  What follows from them is in dependents.c.  The row
 * stays when the table is detached: who attaches it anew, another way, still means that who may see
 * its rows depends on the lookup.  Of a table that is dropped it goes when anything is followed
 * next (sql/follow.sql).
 *
 * Rights: the caller must own both tables: the one whose rows are published, and the one whose
 * writers do the work.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "parser/parser.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/rel.h"

#include "server/attach/attached.h"
#include "server/attach/attachment.h"
#include "server/attach/expression.h"
#include "server/attach/field_sql.h"
#include "server/attach/follows.h"
#include "server/attach/owner.h"
#include "server/attach/resolve.h"
#include "server/base/compat.h"
#include "server/base/settings.h"
#include "server/capture/dependents.h"
#include "server/capture/record.h"

BEV_FUNCTION_INFO_V1(bugevents_follow);
BEV_FUNCTION_INFO_V1(bugevents_unfollow);
BEV_FUNCTION_INFO_V1(bugevents_capture_lookup_truncate);

/* ---- what is asked for ---- */

static void
check_lookup(Oid relid)
{
	char kind = get_rel_relkind(relid);

	if ((kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE) ||
	    get_rel_persistence(relid) == RELPERSISTENCE_TEMP || IsCatalogRelationOid(relid))
		ereport(ERROR,
		        (errcode(ERRCODE_WRONG_OBJECT_TYPE),
		         errmsg("cannot follow \"%s\"", get_rel_name(relid)),
		         errdetail("It is not a table or partitioned table that others can write to.")));
	if (get_rel_relispartition(relid))
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
		                errmsg("cannot follow partition \"%s\"", get_rel_name(relid)),
		                errhint("Follow the partitioned table.")));
}

/* Its rows have to be found by their key. */
static void
check_follower(Oid relid)
{
	Relation rel = table_open(relid, AccessShareLock);
	const char *argument = bev_attached_argument(rel);

	if (argument == NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		                errmsg("table \"%s\" is not attached", RelationGetRelationName(rel)),
		                errhint("Attach it first.")));
	if (bev_field_source(bev_attachment_read(argument, relid), BEV_ENTITY_KEY) == NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		                errmsg("table \"%s\" has no field \"%s\" to find rows by",
		                       RelationGetRelationName(rel), BEV_ENTITY_KEY),
		                errhint("Map it with bugevents.attach(..., columns => ...).")));
	table_close(rel, NoLock);
}

static void
report_not_one_query(const char *keys)
{
	ereport(ERROR,
	        (errcode(ERRCODE_SYNTAX_ERROR), errmsg("\"%s\" is not a query with one column", keys),
	         errhint("Give a SELECT over the lookup's row that returns the keys of rows that "
	                 "depend on it, such as \"select row.user_id\".")));
}

static void
check_plan(SPIPlanPtr plan, const char *keys)
{
	CachedPlanSource *source;

	if (plan == NULL)
		report_not_one_query(keys);
	source = linitial(SPI_plan_get_plan_sources(plan));
	if (source->resultDesc == NULL || source->resultDesc->natts != 1)
		report_not_one_query(keys);
	bev_expressions_check_functions(linitial_node(Query, source->query_list));
}

/* By itself it is one SELECT; over the row, as the owner of the table that follows, it is valid. */
static void
check_keys(Oid lookup, Oid tbl, const char *keys, const char *search_path)
{
	Relation rel = table_open(lookup, AccessShareLock);
	BevExpressions *row = bev_expressions_create(lookup, rel, search_path);
	List *parsed = raw_parser(psprintf("%s\n", keys), RAW_PARSE_DEFAULT);
	BevOwnerScope scope;
	StringInfoData sql;

	if (list_length(parsed) != 1 || !IsA(linitial_node(RawStmt, parsed)->stmt, SelectStmt))
		report_not_one_query(keys);
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT k.* FROM ");
	bev_expressions_append_row(row, &sql);
	appendStringInfo(&sql, " CROSS JOIN LATERAL (%s\n) AS k (key)", keys);

	scope = bev_owner_enter(bev_attached_owner(tbl), row->search_path);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	check_plan(SPI_prepare(sql.data, row->ncolumns, row->column_types), keys);
	SPI_finish();
	bev_owner_leave(&scope);
	table_close(rel, NoLock);
}

/* ---- as the superuser that initdb made, whatever the search_path ---- */

static void
run(const char *sql, int n, Oid *types, Datum *values)
{
	int rc = SPI_execute_with_args(sql, n, types, values, NULL, false, 0);

	if (rc < 0)
		elog(ERROR, "could not execute \"%s\": %s", sql, SPI_result_code_string(rc));
}

static void
write_follow(Oid lookup, Oid tbl, const char *keys, const char *search_path)
{
	Oid types[4] = {OIDOID, OIDOID, TEXTOID, TEXTOID};
	Datum values[4] = {ObjectIdGetDatum(lookup), ObjectIdGetDatum(tbl), (Datum) 0, (Datum) 0};

	run("DELETE FROM bugevents.follows AS f WHERE f.lookup::pg_catalog.oid OPERATOR(pg_catalog.=) $1"
	    " AND f.tbl::pg_catalog.oid OPERATOR(pg_catalog.=) $2",
	    2, types, values);
	run("DELETE FROM bugevents.follows AS f WHERE 2 OPERATOR(pg_catalog.>) (SELECT pg_catalog.count(*)"
	    " FROM pg_catalog.pg_class AS c WHERE c.oid OPERATOR(pg_catalog.=) f.lookup"
	    " OR c.oid OPERATOR(pg_catalog.=) f.tbl)",
	    0, NULL, NULL);
	if (keys == NULL)
		return;
	values[2] = CStringGetTextDatum(keys);
	values[3] = CStringGetTextDatum(search_path);
	run("INSERT INTO bugevents.follows (lookup, tbl, keys, search_path) VALUES ($1, $2, $3, $4)", 4,
	    types, values);
}

/* The lookup has its triggers as long as anything follows it. */
static void
set_triggers(Oid lookup)
{
	char *table = quote_qualified_identifier(get_namespace_name(get_rel_namespace(lookup)),
	                                         get_rel_name(lookup));
	Oid types[1] = {OIDOID};
	Datum values[1] = {ObjectIdGetDatum(lookup)};

	run("SELECT FROM bugevents.follows AS f WHERE f.lookup::pg_catalog.oid OPERATOR(pg_catalog.=) $1",
	    1, types, values);
	if ((SPI_processed > 0) == OidIsValid(get_trigger_oid(lookup, BEV_LOOKUP_TRIGGER, true)))
		return;
	if (SPI_processed == 0)
	{
		run(psprintf("DROP TRIGGER \"" BEV_LOOKUP_TRIGGER "\" ON %s", table), 0, NULL, NULL);
		run(psprintf("DROP TRIGGER \"" BEV_LOOKUP_TRUNCATE_TRIGGER "\" ON %s", table), 0, NULL,
		    NULL);
		return;
	}
	run(psprintf("CREATE TRIGGER \"" BEV_LOOKUP_TRIGGER "\" AFTER INSERT OR UPDATE OR DELETE ON %s"
	             " FOR EACH ROW EXECUTE FUNCTION bugevents.capture_lookup()",
	             table),
	    0, NULL, NULL);
	run(psprintf("CREATE TRIGGER \"" BEV_LOOKUP_TRUNCATE_TRIGGER "\" AFTER TRUNCATE ON %s"
	             " FOR EACH STATEMENT EXECUTE FUNCTION bugevents.capture_lookup_truncate()",
	             table),
	    0, NULL, NULL);
}

/* keys NULL: not any more. */
static void
follow(Oid lookup, Oid tbl, const char *keys, const char *search_path)
{
	Oid user;
	int security;

	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID, security | SECURITY_LOCAL_USERID_CHANGE);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	write_follow(lookup, tbl, keys, search_path);
	set_triggers(lookup);
	SPI_finish();
	SetUserIdAndSecContext(user, security);
	CacheInvalidateRelcacheByRelid(bev_follows_table());
}

/* ---- the functions ---- */

static void
check_installed(void)
{
	bev_settings_require_preload();
	if (!OidIsValid(bev_follows_table()))
		ereport(ERROR,
		        (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("table bugevents.follows does not exist"),
		         errhint("ALTER EXTENSION bugevents UPDATE makes it.")));
}

Datum
bugevents_follow(PG_FUNCTION_ARGS)
{
	Oid lookup = PG_GETARG_OID(0);
	Oid tbl = PG_GETARG_OID(1);
	char *keys = text_to_cstring(PG_GETARG_TEXT_PP(2));
	const char *search_path = bev_resolve_search_path();

	check_installed();
	bev_attached_check_owner(lookup);
	bev_attached_check_owner(tbl);
	check_lookup(lookup);
	check_follower(tbl);
	check_keys(lookup, tbl, keys, search_path);
	follow(lookup, tbl, keys, search_path);
	PG_RETURN_VOID();
}

Datum
bugevents_unfollow(PG_FUNCTION_ARGS)
{
	Oid lookup = PG_GETARG_OID(0);
	Oid tbl = PG_GETARG_OID(1);

	check_installed();
	bev_attached_check_owner(lookup);
	bev_attached_check_owner(tbl);
	follow(lookup, tbl, NULL, NULL);
	PG_RETURN_VOID();
}

/* The trigger for TRUNCATE of a lookup. */
Datum
bugevents_capture_lookup_truncate(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
		                errmsg("bugevents.capture_lookup_truncate() must be called as a trigger "
		                       "AFTER TRUNCATE"),
		                errhint("Use bugevents.follow().")));
	bev_settings_require_preload();
	if (bev_record_is_wanted())
		bev_dependents_reload(RelationGetRelid(trigger->tg_relation));
	return PointerGetDatum(NULL);
}
