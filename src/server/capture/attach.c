/*
 * attach.c - bugevents.attach() and bugevents.detach().
 *
 * Model: attaching is creating two triggers, whose argument says everything
 * (attachment.h).  So what is attached lives and dies with the table, is dumped
 * with it, and partitions get it from PostgreSQL.
 *
 * Rights: the caller must own the table.  The trigger functions aren't PUBLIC's to use
 * (sql/rights.sql), because whoever chooses their argument chooses expressions that run
 * as the table's owner; so the triggers are created as the superuser that
 * initdb made, after everything was checked.
 *
 * Who doesn't own the database attaches none of the entities (attachment.h says what tables that
 * decide are for).  Attaching what says who somebody is, and taking it off, are events themselves,
 * so that their effect has a place in the stream.
 *
 * Concurrency: the lock that creating or dropping triggers takes is taken first,
 * so that what was checked stays so.  Attaching anew lets readers go on and stops
 * writers for a moment; attaching again and detaching stop both.
 *
 * Not here: finding out what the columns are to be (resolve.c).
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "server/base/argument.h"
#include "server/attach/advice.h"
#include "server/attach/attached.h"
#include "server/attach/attached_table.h"
#include "server/attach/attachment.h"
#include "server/capture/notice.h"
#include "server/capture/record.h"
#include "server/capture/schema_change.h"
#include "server/attach/entity.h"
#include "server/attach/resolve.h"
#include "server/base/compat.h"
#include "server/base/settings.h"
#include "server/shared/expression_stats.h"

BEV_FUNCTION_INFO_V1(bugevents_attach);
BEV_FUNCTION_INFO_V1(bugevents_detach);
BEV_FUNCTION_INFO_V1(bugevents_decides);

static void
run(const char *sql)
{
	int rc = SPI_execute(sql, false, 0);

	if (rc != SPI_OK_UTILITY)
		elog(ERROR, "could not execute \"%s\": %s", sql, SPI_result_code_string(rc));
}

static char *
quoted_name(Relation rel)
{
	return quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
	                                  RelationGetRelationName(rel));
}

static void
drop_triggers(const char *table, List *names)
{
	ListCell *cell;

	foreach (cell, names)
	{
		run(psprintf("DROP TRIGGER %s ON %s", quote_identifier(lfirst(cell)), table));
	}
}

static void
create_trigger(const char *table, const char *name, const char *events, const char *level,
               const char *function, const char *argument, bool always)
{
	run(psprintf("CREATE TRIGGER %s AFTER %s ON %s FOR EACH %s EXECUTE FUNCTION bugevents.%s(%s)",
	             quote_identifier(name), events, table, level, function,
	             quote_literal_cstr(argument)));
	if (always)
		run(psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s", table, quote_identifier(name)));
}

/*
 * Replace the table's capture triggers by those with this argument, or by none.
 * Closes the relation, which no one may have open while its triggers change, and
 * keeps the lock.
 */
static void
replace_triggers(Relation rel, List *old, const char *argument, bool always)
{
	char *table = quoted_name(rel);
	Oid user;
	int security;

	table_close(rel, NoLock);
	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID, security | SECURITY_LOCAL_USERID_CHANGE);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");

	drop_triggers(table, old);
	if (argument)
	{
		create_trigger(table, BEV_ROW_TRIGGER, "INSERT OR UPDATE OR DELETE", "ROW", "capture",
		               argument, always);
		create_trigger(table, BEV_TRUNCATE_TRIGGER, "TRUNCATE", "STATEMENT", "capture_truncate",
		               argument, always);
	}

	SPI_finish();
	SetUserIdAndSecContext(user, security);
}

/*
 * Open and lock a table that the caller owns.  Checked before the lock, which
 * only an owner may wait for and hold, and again with it.
 */
static Relation
open_owned_table(Oid relid)
{
	LOCKMODE lock;
	Relation rel;

	bev_attached_check_owner(relid);

	/* DROP TRIGGER needs the strongest; asking for it later could deadlock. */
	lock = bev_attached_triggers(relid) ? AccessExclusiveLock : ShareRowExclusiveLock;
	rel = table_open(relid, lock);
	bev_attached_check_owner(relid);
	return rel;
}

static void
check_kind(Relation rel)
{
	char kind = rel->rd_rel->relkind;

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
		                errmsg("cannot attach \"%s\"", RelationGetRelationName(rel)),
		                errdetail("It is not a table or partitioned table.")));
	if (rel->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		ereport(ERROR,
		        (errcode(ERRCODE_WRONG_OBJECT_TYPE),
		         errmsg("cannot attach temporary table \"%s\"", RelationGetRelationName(rel))));
	if (IsSystemRelation(rel))
		ereport(ERROR,
		        (errcode(ERRCODE_WRONG_OBJECT_TYPE),
		         errmsg("cannot attach system catalog \"%s\"", RelationGetRelationName(rel))));
	if (RelationGetNamespace(rel) == get_namespace_oid("bugevents", true))
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
		                errmsg("cannot attach \"%s\"", RelationGetRelationName(rel)),
		                errdetail("It is a table of bugevents itself.")));
}

/* Rows of children are seen as rows of the parent, but no trigger tells of them. */
static void
check_inheritance(Relation rel)
{
	List *children;

	if (rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		return;
	children = find_inheritance_children(RelationGetRelid(rel), NoLock);
	if (children != NIL)
		ereport(
			ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		     errmsg("cannot attach \"%s\", which has tables that inherit from it",
		            RelationGetRelationName(rel)),
		     errdetail("Rows of \"%s\" would be missing.", get_rel_name(linitial_oid(children))),
		     errhint("Attach each table that inherits from it by itself, or use partitions.")));
}

static void
check_partition_kind(Oid relid)
{
	if (get_rel_relkind(relid) == RELKIND_FOREIGN_TABLE)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
		                errmsg("cannot attach a table with a foreign table as partition"),
		                errdetail("Changes of \"%s\" can't be known.", get_rel_name(relid))));
}

/* A partition gets its triggers from the partitioned table, or has its own. */
static void
check_partitioning(Relation rel)
{
	ListCell *cell;

	if (rel->rd_rel->relispartition)
	{
		foreach (cell, get_partition_ancestors(RelationGetRelid(rel)))
		{
			if (bev_attached_triggers(lfirst_oid(cell)) != NIL)
				ereport(ERROR,
				        (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				         errmsg("cannot attach partition \"%s\"", RelationGetRelationName(rel)),
				         errdetail("Its partitioned table \"%s\" is attached already.",
				                   get_rel_name(lfirst_oid(cell)))));
		}
	}
	if (rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return;
	foreach (cell, find_all_inheritors(RelationGetRelid(rel), ShareRowExclusiveLock, NULL))
	{
		check_partition_kind(lfirst_oid(cell));
		if (lfirst_oid(cell) != RelationGetRelid(rel) &&
		    bev_attached_triggers(lfirst_oid(cell)) != NIL)
			ereport(ERROR,
			        (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			         errmsg("cannot attach partitioned table \"%s\"", RelationGetRelationName(rel)),
			         errdetail("Its partition \"%s\" is attached by itself.",
			                   get_rel_name(lfirst_oid(cell))),
			         errhint("Detach the partition first.")));
	}
}

static char *
optional_text(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/*
 * Nobody may make himself a member of projects, redirect others' mails or forge bugs by a table of
 * his own.
 */
static void
check_trust(const BevAttachment *attachment)
{
	if (attachment->decides)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
	     errmsg("must be owner of database \"%s\" to attach a table as \"%s\"",
	            get_database_name(MyDatabaseId), attachment->entity->name),
	     errdetail("Role \"%s\" is not; role \"%s\" is.  Such tables decide who may see what, and "
	               "whom to notify.",
	               GetUserNameFromId(GetUserId(), false),
	               GetUserNameFromId(bev_attached_database_owner(), false)),
	     errhint("Let the database's owner or a superuser attach the table, or attach it as a "
	             "kind of your own.")));
}

/* Nor may anybody pass rows off as those of a kind that the database's owner has attached. */
static void
check_kind_is_free(const BevAttachment *attachment)
{
	ListCell *cell;

	foreach (cell, bev_attached_table_list(attachment->entity))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
		                errmsg("must be owner of database \"%s\" to attach a table as \"%s\"",
		                       get_database_name(MyDatabaseId), attachment->entity->name),
		                errdetail("Its owner has attached table \"%s\" as that.",
		                          get_rel_name(((BevAttachedTable *) lfirst(cell))->relid)),
		                errhint("Choose another name for a kind of your own.")));
}

/* Let clients be looked up anew, if what is attached to this table decides. */
static void
announce(Relation rel, const BevAttachment *attachment, const char *action)
{
	if (bev_attachment_gives_access(attachment) && bev_settings_are_preloaded() &&
	    bev_record_is_wanted())
		bev_notice_log(bev_notice_name(RelationGetRelid(rel)), attachment, action);
}

/* The same for what was attached until now, if anything was. */
static void
announce_end(Relation rel)
{
	const char *argument = bev_attached_argument(rel);

	if (argument)
		announce(rel, bev_attachment_read(argument, RelationGetRelid(rel)), BEV_NOTICE_DETACHED);
}

/* What it publishes now and didn't, or no more, if it was attached as the same before. */
static void
announce_schema(Relation rel, const BevAttachment *attachment)
{
	Oid relid = RelationGetRelid(rel);
	const char *argument = bev_attached_argument(rel);

	if (argument && bev_settings_are_preloaded() && bev_record_is_wanted())
		bev_schema_compare(bev_schema_read(relid, bev_attachment_read(argument, relid)),
		                   bev_schema_read(relid, attachment));
}

Datum
bugevents_attach(PG_FUNCTION_ARGS)
{
	BevAttachRequest request;
	BevAttachment *attachment;
	Relation rel;
	List *old;

	bev_settings_require_served();
	bev_argument_require(fcinfo, 0, "tbl");
	bev_argument_require(fcinfo, 1, "entity");
	bev_argument_require(fcinfo, 6, "always");
	request.entity = text_to_cstring(PG_GETARG_TEXT_PP(1));
	request.columns = PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2);
	request.filter = optional_text(fcinfo, 3);
	request.audience = optional_text(fcinfo, 4);
	request.extra = PG_ARGISNULL(5) ? NULL : PG_GETARG_ARRAYTYPE_P(5);
	request.quiet = PG_NARGS() <= 7 || PG_ARGISNULL(7) ? NULL : PG_GETARG_ARRAYTYPE_P(7);

	rel = open_owned_table(PG_GETARG_OID(0));
	check_kind(rel);
	check_inheritance(rel);
	check_partitioning(rel);
	attachment = bev_attachment_resolve(rel, &request);
	attachment->by = GetUserNameFromId(GetUserId(), false);
	attachment->decides = bev_database_is_owned(MyDatabaseId, GetUserId());
	if (attachment->entity->id != BEV_OWN_KIND)
		check_trust(attachment);
	else if (!attachment->decides)
		check_kind_is_free(attachment);
	bev_advice_give(rel, attachment);
	bev_expression_stats_forget_errors(RelationGetRelid(rel));

	old = bev_attached_triggers(RelationGetRelid(rel));
	announce_end(rel);
	announce(rel, attachment, BEV_NOTICE_ATTACHED);
	announce_schema(rel, attachment);
	replace_triggers(rel, old, bev_attachment_write(attachment), PG_GETARG_BOOL(6));
	(void) bev_expression_stats_resume(PG_GETARG_OID(0));
	PG_RETURN_VOID();
}

Datum
bugevents_detach(PG_FUNCTION_ARGS)
{
	Relation rel;
	List *old;

	bev_argument_require(fcinfo, 0, "tbl");
	rel = open_owned_table(PG_GETARG_OID(0));
	old = bev_attached_triggers(RelationGetRelid(rel));
	if (old == NIL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
		                errmsg("table \"%s\" is not attached", RelationGetRelationName(rel)),
		                rel->rd_rel->relispartition ?
		                    errhint("Detach the partitioned table instead of its partition.") :
		                    errhint("The view bugevents.attachments shows the attached tables.")));
	announce_end(rel);
	replace_triggers(rel, old, NULL, false);
	PG_RETURN_VOID();
}

Datum
bugevents_decides(PG_FUNCTION_ARGS)
{
	Oid relid = PG_GETARG_OID(0);
	const char *argument = bev_attached_argument_of(relid);

	PG_RETURN_BOOL(argument && bev_attachment_read(argument, relid)->decides);
}
