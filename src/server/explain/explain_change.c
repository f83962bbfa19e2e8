/*
 * explain_change.c - bugevents.explain_change(): why was there no event of a change?
 *
 * Model: what stands between a write and its event, in the order in which a change
 * meets it: the library, the database, the switch, the table's trigger, the row's filter.
 * Then what the journal has of the row, and what can't be known.  The trigger and the
 * filter are looked at as they are now; the change may have met others.
 *
 * Rights: who may call it reads the whole journal (the install script says who), and must be
 * able to read the table besides.  The owner's code runs as the owner, by the capture's
 * own functions, and can't write.
 *
 * Cost: the journal has no index by row, so it is read from its beginning.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "server/attach/attached.h"
#include "server/attach/follows.h"
#include "server/attach/mapping.h"
#include "server/capture/row_event.h"
#include "server/explain/findings.h"
#include "server/explain/rowkey.h"
#include "server/base/compat.h"
#include "server/base/extension.h"
#include "server/base/settings.h"
#include "server/journal/journal_reader.h"
#include "server/journal/stream_row.h"
#include "server/queue/enabled.h"
#include "server/shared/expression_stats.h"

BEV_FUNCTION_INFO_V1(bugevents_explain_change_text);
BEV_FUNCTION_INFO_V1(bugevents_explain_change_jsonb);

/* So many of the row's last events are shown. */
#define EVENTS_SHOWN 5

typedef struct Change
{
	BevFindings findings;
	Relation rel;
	Trigger *trigger; /* NULL: not attached */
	BevAttachment *attachment;
	BevRowKey key;
	const char *event_key; /* as events of the row have it, UTF-8; NULL: not known */
} Change;

static void
add(Change *change, const char *finding, BevVerdictKind verdict, const char *detail)
{
	bev_findings_add(&change->findings, finding, verdict, detail);
}

/* ---- the server ---- */

/* False: nothing else can be said. */
static bool
look_at_library(Change *change)
{
	if (!bev_settings_are_preloaded())
	{
		add(change, "library", BEV_REASON,
		    "bugevents is not in shared_preload_libraries: attached tables can't be written to");
		return false;
	}
	add(change, "library", BEV_FINE, "preloaded");
	return true;
}

static void
look_at_extension(Change *change)
{
	const char *cure;
	char *version = bev_extension_misfit(&cure);

	if (version)
		add(change, "extension", BEV_REASON,
		    psprintf("the library is of version %s, the extension of %s: %s", BUGEVENTS_VERSION,
		             version, cure));
}

static void
look_at_server(Change *change)
{
	if (bev_settings_database_is_served())
		add(change, "database", BEV_FINE, psprintf("\"%s\" is served", bev_database));
	else
		add(change, "database", BEV_REASON,
		    psprintf("bugevents.database is \"%s\", and this is \"%s\"", bev_database,
		             get_database_name(MyDatabaseId)));
	if (bev_enabled_is_on())
		add(change, "enabled", BEV_FINE, "changes are captured");
	else
		add(change, "enabled", BEV_REASON, "bugevents.enabled is off");
}

/* ---- the table ---- */

/* Rows of tables that inherit from it are seen as its own, but no trigger tells of them. */
static void
look_at_children(Change *change)
{
	ListCell *cell;

	if (change->rel->rd_rel->relkind != RELKIND_RELATION)
		return;
	foreach (cell, find_inheritance_children(RelationGetRelid(change->rel), NoLock))
		add(change, "inheritance", BEV_NOTE,
		    psprintf("\"%s\" inherits from it: changes of its rows are not published",
		             get_rel_name(lfirst_oid(cell))));
}

/* What its expressions look up, as far as it was said. */
static void
look_at_follows(Change *change)
{
	Oid root = bev_attached_root(change->trigger->tgoid);
	ListCell *cell;

	foreach (cell, bev_follows_list())
	{
		const BevFollow *follow = lfirst(cell);

		if (follow->tbl == root && get_rel_name(follow->lookup))
			add(change, "follows", BEV_NOTE,
			    psprintf("it is judged anew when \"%s\" changes: %s", get_rel_name(follow->lookup),
			             follow->keys));
	}
}

static void
look_at_errors(Change *change)
{
	BevExpressionStats stats;

	bev_expression_stats_get(bev_attached_root(change->trigger->tgoid), &stats);
	if (stats.errors > 0)
		add(change, "expressions", BEV_NOTE,
		    psprintf("failed " UINT64_FORMAT " times since the server's start, last at %s: %s",
		             stats.errors, bev_findings_time(stats.failed_at), stats.message));
}

static void
look_at_table(Change *change)
{
	Relation rel = change->rel;
	Oid root;

	change->trigger = bev_attached_trigger(rel);
	if (change->trigger == NULL)
	{
		add(change, "table", BEV_REASON,
		    psprintf("\"%s\" is not attached; bugevents.attach() does that",
		             RelationGetRelationName(rel)));
		return;
	}
	root = bev_attached_root(change->trigger->tgoid);
	change->attachment = bev_attachment_read(change->trigger->tgargs[0], root);
	add(change, "table", BEV_FINE,
	    root == RelationGetRelid(rel) ?
	        psprintf("attached as %s", change->attachment->entity->name) :
	        psprintf("attached as %s by its partitioned table \"%s\"",
	                 change->attachment->entity->name, get_rel_name(root)));
	look_at_children(change);
	look_at_follows(change);
	look_at_errors(change);
}

/* Does the trigger fire in sessions of this session_replication_role? */
static bool
fires(char enabled, int role)
{
	switch (enabled)
	{
		case TRIGGER_FIRES_ALWAYS:
			return true;
		case TRIGGER_FIRES_ON_ORIGIN:
			return role != SESSION_REPLICATION_ROLE_REPLICA;
		case TRIGGER_FIRES_ON_REPLICA:
			return role == SESSION_REPLICATION_ROLE_REPLICA;
		default:
			return false;
	}
}

static const char *
when_it_fires(char enabled)
{
	switch (enabled)
	{
		case TRIGGER_FIRES_ALWAYS:
			return "fires always, also for what replication applies";
		case TRIGGER_FIRES_ON_ORIGIN:
			return "doesn't fire where session_replication_role is replica, nor for what replication applies (attach with always)";
		case TRIGGER_FIRES_ON_REPLICA:
			return "fires only where session_replication_role is replica";
		default:
			return "is disabled: ALTER TABLE ... ENABLE TRIGGER, or attach again";
	}
}

static void
look_at_trigger(Change *change)
{
	char enabled = change->trigger->tgenabled;

	add(change, "trigger",
	    enabled == TRIGGER_DISABLED || enabled == TRIGGER_FIRES_ON_REPLICA ? BEV_REASON : BEV_FINE,
	    psprintf("\"%s\" %s", change->trigger->tgname, when_it_fires(enabled)));
	if (enabled == TRIGGER_DISABLED)
		return;
	add(change, "session", fires(enabled, SessionReplicationRole) ? BEV_FINE : BEV_REASON,
	    psprintf("session_replication_role is %s here; of the session that wrote it isn't known",
	             GetConfigOption("session_replication_role", false, false)));
}

/* ---- the row ---- */

static void
look_at_filter(Change *change, const BevRow *row)
{
	const char *filter = change->attachment->filter;

	if (row->failed)
		add(change, "filter", BEV_NOTE,
		    "an expression of the attachment fails for this row (see the warning): its events go out without what the expressions give, and unfiltered");
	else if (filter == NULL)
		add(change, "filter", BEV_FINE, "there is none");
	else if (row->wanted)
		add(change, "filter", BEV_FINE, psprintf("true for the row as it is now: %s", filter));
	else
		add(change, "filter", BEV_REASON,
		    psprintf("false or null for the row as it is now: %s", filter));
}

static void
look_at_version(Change *change, Oid relid, ItemPointer tid)
{
	Relation rel = table_open(relid, AccessShareLock);
	Trigger *trigger = bev_attached_trigger(rel);
	TupleTableSlot *slot = table_slot_create(rel, NULL);

	if (trigger && table_tuple_fetch_row_version(rel, tid, GetActiveSnapshot(), slot))
	{
		BevMapping *mapping = bev_mapping_get(rel, trigger);
		BevRow row;

		bev_rows_read(mapping, rel, &slot, NULL, &row, 1);
		look_at_filter(change, &row);
		change->event_key = bev_row_event_key(mapping, &row);
	}
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, NoLock);
}

static bool
is_known(const BevRow *row, int field)
{
	return field >= 0 && !row->nulls[field];
}

/* The event's key of a row that isn't there, as far as it consists of what was asked for. */
static const char *
key_of_missing(Change *change)
{
	BevMapping *mapping = bev_mapping_get(change->rel, change->trigger);
	BevRow row = {.values = palloc0(sizeof(Datum) * mapping->nfields),
	              .nulls = palloc(sizeof(bool) * mapping->nfields)};

	memset(row.nulls, true, sizeof(bool) * mapping->nfields);
	for (int i = 0; i < change->key.n; i++)
		for (int field = 0; field < mapping->nfields; field++)
			if (mapping->fields[field].attnum == change->key.attnum[i])
			{
				row.values[field] = change->key.value[i];
				row.nulls[field] = false;
			}
	if (mapping->key >= 0 ? !is_known(&row, mapping->key) :
	                        !is_known(&row, mapping->person) || !is_known(&row, mapping->belongs))
		return NULL;
	return bev_row_event_key(mapping, &row);
}

static void
look_at_row(Change *change, Jsonb *json)
{
	Oid relid;
	ItemPointerData tid;

	if (!bev_rowkey_read(change->rel, change->attachment, json, &change->key))
	{
		add(change, "row", BEV_UNKNOWN, "the table has no primary key to find it by");
		return;
	}
	if (bev_rowkey_find(change->rel, change->attachment, &change->key, &relid, &tid))
	{
		add(change, "row", BEV_FINE,
		    psprintf("%s is there, in \"%s\"", bev_rowkey_show(change->rel, &change->key),
		             get_rel_name(relid)));
		if (change->trigger)
			look_at_version(change, relid, &tid);
		return;
	}
	add(change, "row", BEV_NOTE,
	    psprintf(
			"there is none with %s that this session can see: deleted, never committed, or not yet",
			bev_rowkey_show(change->rel, &change->key)));
	if (change->trigger)
		change->event_key = key_of_missing(change);
}

/* ---- the journal ---- */

typedef struct Found
{
	uint64 seq;
	TimestampTz at;
	char action[64];
} Found;

typedef struct Search
{
	const char *type;
	const char *key;
	uint64 count;
	Found last[EVENTS_SHOWN]; /* a ring */
} Search;

static void
keep(Search *search, uint64 seq, TimestampTz at, BevSpan action)
{
	Found *found = &search->last[search->count++ % EVENTS_SHOWN];

	*found = (Found){.seq = seq, .at = at};
	snprintf(found->action, sizeof(found->action), "%.*s", (int) action.len, action.data);
}

static bool
search_run(void *arg, const BevJournalRun *run)
{
	Search *search = arg;
	const char *record = run->records;
	Size size = run->size;
	BevEvent event;

	for (uint32 i = 0; i < run->count && bev_event_read(record, size, &event); i++)
	{
		if (bev_span_is(event.field[BEV_EVENT_KEY], search->key) &&
		    bev_span_is(event.field[BEV_EVENT_TYPE], search->type))
			keep(search, run->first_seq + i, run->at, event.field[BEV_EVENT_ACTION]);
		record += event.size;
		size -= event.size;
	}
	return true;
}

/* What the journal goes back to. */
static char *
show_beginning(void)
{
	BevStreamRow row;
	char *text;

	PushActiveSnapshot(GetLatestSnapshot());
	text = bev_stream_row_read(&row) && row.dropped > 0 ?
	           psprintf("retention has dropped what was up to seq " UINT64_FORMAT, row.dropped) :
	           pstrdup("the journal is whole since the stream began");
	PopActiveSnapshot();
	return text;
}

static void
look_at_journal(Change *change)
{
	Search search = {.type = change->attachment->entity->name, .key = change->event_key};
	int shown;

	bev_journal_read_settled(0, PG_INT64_MAX, search_run, &search);
	shown = Min(search.count, EVENTS_SHOWN);
	add(change, "events", BEV_NOTE,
	    psprintf("the journal has " UINT64_FORMAT " of %s %s; %s", search.count, search.type,
	             bev_findings_text((BevSpan){search.key, strlen(search.key)}), show_beginning()));
	for (int i = 0; i < shown; i++)
	{
		Found *found = &search.last[(search.count - shown + i) % EVENTS_SHOWN];

		add(change, "event", BEV_NOTE,
		    psprintf("seq " UINT64_FORMAT " at %s: %s", found->seq, bev_findings_time(found->at),
		             found->action));
	}
}

/* ---- what holds for any row ---- */

static char *
list_fields(const BevAttachment *attachment)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < attachment->nsources; i++)
		appendStringInfo(&out, "%s%s", i ? ", " : "", attachment->sources[i].field);
	return out.data;
}

static void
add_rules(Change *change)
{
	add(change, "update", BEV_NOTE,
	    psprintf("a transaction that leaves all of these fields as they were before it publishes "
	             "nothing, nor does a row that it inserts and deletes: %s",
	             list_fields(change->attachment)));
	add(change, "truncate", BEV_NOTE,
	    "TRUNCATE publishes one event of the table, none of its rows; of a partition, its rows as "
	    "deleted");
	add(change, "transaction", BEV_UNKNOWN,
	    "whether one was rolled back can't be known, it leaves nothing behind; one that is open or prepared publishes when it commits");
}

/* ---- the function ---- */

/* Whoever is told of rows may read them. */
static Relation
open_table(Oid relid)
{
	char kind = get_rel_relkind(relid);
	AclResult acl;

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
		                errmsg("\"%s\" is not a table",
		                       kind ? get_rel_name(relid) : psprintf("%u", relid))));
	acl = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT);
	if (acl != ACLCHECK_OK)
		aclcheck_error(acl, get_relkind_objtype(kind), get_rel_name(relid));
	if (check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
		                errmsg("row-level security of table \"%s\" holds for role \"%s\"",
		                       get_rel_name(relid), GetUserNameFromId(GetUserId(), false)),
		                errhint("Ask as a role that may bypass it.")));
	return table_open(relid, AccessShareLock);
}

static void
explain(FunctionCallInfo fcinfo, Jsonb *key)
{
	Change change = {.findings = bev_findings_begin(fcinfo), .rel = open_table(PG_GETARG_OID(0))};

	if (look_at_library(&change))
	{
		look_at_extension(&change);
		look_at_server(&change);
		look_at_table(&change);
		if (change.trigger)
			look_at_trigger(&change);
		look_at_row(&change, key);
		if (change.event_key)
			look_at_journal(&change);
		else if (change.trigger)
			add(&change, "events", BEV_UNKNOWN,
			    "the id that events of this row would have comes from an expression, and there is no row to ask");
		if (change.trigger)
			add_rules(&change);
	}
	table_close(change.rel, NoLock);
}

/* An object, or the value of the only column as text. */
Datum
bugevents_explain_change_text(PG_FUNCTION_ARGS)
{
	char *key = text_to_cstring(PG_GETARG_TEXT_PP(1));
	JsonbValue value = {.type = jbvString};

	value.val.string.val = key;
	value.val.string.len = strlen(key);
	explain(fcinfo, *key == '{' ?
	                    DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(key))) :
	                    JsonbValueToJsonb(&value));
	return (Datum) 0;
}

Datum
bugevents_explain_change_jsonb(PG_FUNCTION_ARGS)
{
	explain(fcinfo, PG_GETARG_JSONB_P(1));
	return (Datum) 0;
}
