/*
 * user_lookup.c - what the attached tables of users and memberships say of somebody.
 *
 * Model: one query for each such table, over all the users that are asked for,
 *
 *	SELECT (id)::text, (user)::text, (role or project)::text, (status)::text
 *	  FROM table AS row WHERE (user) = ANY ($1) AND (filter)
 *
 * with the columns and expressions of its attachment.
 *
 * Rights: the table's owner's (attached_table.c), in a transaction that is read-only.
 *
 * Concurrency: all who connect meanwhile wait for it.  So it waits for locks for LOCK_TIMEOUT only,
 * and is cancelled after TIMEOUT.
 *
 * Failure: it happens in a subtransaction; an error is a warning.
 */
#include "server/users/user_lookup.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"
#include "utils/syscache.h"
#include "utils/timeout.h"

#include "server/attach/access_statement.h"
#include "server/attach/attached_table.h"
#include "server/attach/field_sql.h"
#include "server/attach/id_type.h"
#include "server/base/table_lock.h"
#include "server/base/time_limit.h"
#include "server/encode/integer.h"
#include "server/encode/database_text.h"

#define TIMEOUT      1000 /* ms */
#define LOCK_TIMEOUT "100ms"

/* A user as the database writes the id, and where the entry is. */
typedef struct Wanted
{
	char *user;
	BevUserLookupEntry *entry;
	bool is_known; /* a table of users has it */
} Wanted;

/* ---- one table ---- */

/* The field, or null. */
static char *
sql_of(const BevAttachedTable *table, const char *field)
{
	char *sql = bev_field_sql(table->attachment, table->relid, field);

	return sql ? sql : "null";
}

static bool
has_principals(const BevAttachment *attachment)
{
	return bev_field_source(attachment, attachment->entity->principal) != NULL;
}

/* The field that a statement about its user has: role, project or principal. */
static const char *
value_field(const BevAttachment *attachment)
{
	const BevEntity *entity = attachment->entity;

	if (entity->id != BEV_MEMBERSHIP)
		return entity->role;
	return has_principals(attachment) ? entity->principal : entity->project;
}

/* The condition on the column, in its own type where that can use an index. */
static char *
build_condition(const char *person, Oid type)
{
	switch (bev_id_type_search(type))
	{
		case BEV_ID_INTEGER:
			return psprintf("%s = ANY ($1)", person);
		case BEV_ID_UUID:
		case BEV_ID_STRING:
			return psprintf("%s = ANY ($1::%s[])", person,
			                format_type_extended(
								type, -1, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
		default:
			return psprintf("(%s)::text = ANY ($1)", person);
	}
}

static char *
build_query(const BevAttachedTable *table, Oid type)
{
	const BevAttachment *attachment = table->attachment;
	const BevEntity *entity = attachment->entity;
	char *person = sql_of(table, entity->person);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT (%s)::text, (%s)::text, (%s)::text, (%s)::text FROM %s WHERE %s",
	                 sql_of(table, BEV_ENTITY_KEY), person, sql_of(table, value_field(attachment)),
	                 sql_of(table, entity->status), bev_field_from(table->relid),
	                 build_condition(person, type));
	/* Not of others' rows, whatever the order that the planner finds best. */
	if (attachment->filter)
		appendStringInfo(&sql, " AND CASE WHEN (%s)::text = ANY ($1::text[]) THEN (%s\n) END",
		                 person, attachment->filter);
	return sql.data;
}

/* Those that are ids of the column as they are written. */
static Datum
make_array(const Wanted *wanted, int n, BevIdSearch search)
{
	Datum *items = palloc(sizeof(Datum) * n);
	int count = 0;

	for (int i = 0; i < n; i++)
	{
		int64 value;

		if (search == BEV_ID_INTEGER && bev_is_integer(wanted[i].user, &value))
			items[count++] = Int64GetDatum(value);
		else if (search != BEV_ID_INTEGER &&
		         (search != BEV_ID_UUID || bev_id_type_is_uuid(wanted[i].user)))
			items[count++] = CStringGetTextDatum(wanted[i].user);
	}
	return PointerGetDatum(
		search == BEV_ID_INTEGER ?
			construct_array(items, count, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE) :
			construct_array(items, count, TEXTOID, -1, false, TYPALIGN_INT));
}

static const char *
column_text(uint64 row, int column)
{
	char *value = SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);

	return value ? bev_database_text_to_cstring(value) : "";
}

static void
add_statement(const BevAttachedTable *table, uint64 row, BevUserLookupEntry *entry)
{
	const char *id = column_text(row, 1);
	const char *value = column_text(row, 3);
	BevAccessKind kind = strcmp(column_text(row, 4), BEV_STATUS_ACTIVE) == 0 ? BEV_ACCESS_ACTIVE :
	                                                                           BEV_ACCESS_INACTIVE;
	const char *source = psprintf("%u", table->relid);

	if (table->attachment->entity->id == BEV_MEMBERSHIP)
	{
		kind = bev_access_statement_kind(value, has_principals(table->attachment));
		if (kind == BEV_ACCESS_LEFT)
			return;
		source = bev_access_statement_membership(table->relid, id, entry->user, value);
	}
	bev_access_statement_append(&entry->access, kind, source, entry->user, value);
}

static int
compare_wanted(const void *a, const void *b)
{
	return strcmp(((const Wanted *) a)->user, ((const Wanted *) b)->user);
}

/* Hand a row to everyone who was asked for by that id. */
static void
take_row(const BevAttachedTable *table, uint64 row, Wanted *wanted, int n)
{
	char *user = SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 2);
	Wanted key = {.user = user};
	Wanted *found = user ? bsearch(&key, wanted, n, sizeof(Wanted), compare_wanted) : NULL;

	if (found == NULL)
		return; /* alike in the column's collation only */
	while (found > wanted && strcmp(found[-1].user, user) == 0)
		found--;
	for (; found < wanted + n && strcmp(found->user, user) == 0; found++)
	{
		add_statement(table, row, found->entry);
		found->is_known |= table->attachment->entity->id == BEV_USER;
	}
}

static void
read_table(const BevAttachedTable *table, Wanted *wanted, int n)
{
	Oid type = bev_field_type(table->attachment, table->relid, table->attachment->entity->person);
	BevIdSearch search = bev_id_type_search(type);
	Oid array_type = search == BEV_ID_INTEGER ? INT8ARRAYOID : TEXTARRAYOID;
	Datum array = make_array(wanted, n, search);
	BevOwnerScope scope;
	int rc;

	if (!bev_attached_table_enter(table, &scope))
		return;
	(void) set_config_option("lock_timeout", LOCK_TIMEOUT, PGC_SUSET, PGC_S_SESSION,
	                         GUC_ACTION_SAVE, true, 0, false);

	rc = SPI_execute_with_args(build_query(table, type), 1, &array_type, &array, NULL, true, 0);
	if (rc != SPI_OK_SELECT)
		elog(ERROR, "could not look users up: %s", SPI_result_code_string(rc));
	for (uint64 row = 0; row < SPI_processed; row++)
		take_row(table, row, wanted, n);
	SPI_freetuptable(SPI_tuptable);
	bev_owner_leave(&scope);
}

/* ---- all tables ---- */

static Wanted *
sort_wanted(BevUserLookupEntry *entries, int n)
{
	Wanted *wanted = palloc(sizeof(Wanted) * n);

	for (int i = 0; i < n; i++)
	{
		wanted[i].entry = &entries[i];
		wanted[i].is_known = false;
		wanted[i].user = pg_any_to_server(entries[i].user, strlen(entries[i].user), PG_UTF8);
	}
	qsort(wanted, n, sizeof(Wanted), compare_wanted);
	return wanted;
}

/* Who no table of users has, hidden or filtered out, is unknown; if there is such a table. */
static void
tell_unknown(List *tables, const Wanted *wanted, int n)
{
	bool has_users = false;
	ListCell *cell;

	foreach (cell, tables)
		has_users |= ((BevAttachedTable *) lfirst(cell))->attachment->entity->id == BEV_USER;
	for (int i = 0; has_users && i < n; i++)
		if (!wanted[i].is_known)
			bev_access_statement_append(&wanted[i].entry->access, BEV_ACCESS_UNKNOWN, "",
			                            wanted[i].entry->user, "");
}

bool
bev_user_lookup_collect(BevUserLookupEntry *entries, int n)
{
	List *tables = bev_attached_table_list(NULL);
	Wanted *wanted = sort_wanted(entries, n);
	ListCell *cell;

	XactReadOnly = true; /* of this subtransaction */
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	foreach (cell, tables)
	{
		read_table(lfirst(cell), wanted, n);
	}
	SPI_finish();
	tell_unknown(tables, wanted, n);
	return tables != NIL;
}

static void
report_failure(ErrorData *error)
{
	ereport(
		WARNING,
		(errcode(error->sqlerrcode),
	     errmsg("bugevents could not look up who connects: %s", error->message),
	     error->detail ? errdetail_internal("%s", error->detail) : 0,
	     errhint(
			 "They are refused.  The view bugevents.attachments shows the tables of entity user and membership.")));
}

static BevUserLookupResult
result_of(int sqlstate)
{
	if (sqlstate == ERRCODE_LOCK_NOT_AVAILABLE)
		return BEV_USER_LOOKUP_LOCKED;
	return sqlstate == ERRCODE_QUERY_CANCELED ? BEV_USER_LOOKUP_TOO_SLOW : BEV_USER_LOOKUP_BROKEN;
}

/* Was it cancelled because the worker is to end, or what it does for somebody takes too long? */
static bool
is_for_the_caller(void)
{
	return geterrcode() == ERRCODE_ADMIN_SHUTDOWN ||
	       (geterrcode() == ERRCODE_QUERY_CANCELED &&
	        (ShutdownRequestPending || bev_time_limit_exceeded()));
}

bool
bev_user_lookup_try_lock(void)
{
	ListCell *cell;

	if (!ConditionalLockRelationOid(TriggerRelationId, AccessShareLock))
		return false;
	foreach (cell, bev_attached_table_list(NULL))
	{
		if (!bev_table_lock_try(((BevAttachedTable *) lfirst(cell))->relid))
			return false;
	}
	return true;
}

BevUserLookupResult
bev_user_lookup_read(BevUserLookupEntry *entries, int n)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile BevUserLookupResult result = BEV_USER_LOOKUP_READ;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(caller);
	enable_timeout_after(STATEMENT_TIMEOUT, TIMEOUT);
	PG_TRY();
	{
		if (!bev_user_lookup_collect(entries, n))
			result = BEV_USER_LOOKUP_NONE;
		disable_timeout(STATEMENT_TIMEOUT, false);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData *error;

		disable_timeout(STATEMENT_TIMEOUT, false);
		if (is_for_the_caller())
			PG_RE_THROW();
		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		report_failure(error);
		result = result_of(error->sqlerrcode);
		FreeErrorData(error);
	}
	PG_END_TRY();
	QueryCancelPending = false; /* it may have come when all was done */
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
	return result;
}
