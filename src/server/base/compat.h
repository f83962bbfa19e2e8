/*
 * compat.h - the differences between PostgreSQL 15 and later, in one place.
 */
#ifndef BEV_SERVER_BASE_COMPAT_H
#define BEV_SERVER_BASE_COMPAT_H

#include "postgres.h"

#include "miscadmin.h"
#include "storage/proc.h"

/* A small dense number of this process, from 0; below BEV_PROCESSES. */
#if PG_VERSION_NUM >= 170000
#define BEV_MY_PROCESS ((int) MyProcNumber)
#define BEV_PROCESSES  (MaxBackends + NUM_AUXILIARY_PROCS)
#else
#define BEV_MY_PROCESS ((int) MyBackendId - 1)
#define BEV_PROCESSES  MaxBackends
#endif

/* The index of this process among ProcGlobal->allProcs. */
#if PG_VERSION_NUM >= 170000
#define BEV_MY_PGPROC ((uint32) MyProcNumber)
#else
#define BEV_MY_PGPROC ((uint32) MyProc->pgprocno)
#endif

/* The file that holds the relation's rows. */
#if PG_VERSION_NUM >= 160000
#define BEV_RELATION_FILE(rel) ((rel)->rd_locator.relNumber)
#else
#define BEV_RELATION_FILE(rel) ((rel)->rd_node.relNode)
#endif

/* Has the transaction made the relation, or given it another file? */
#if PG_VERSION_NUM >= 160000
#define BEV_RELATION_IS_REPLACED(rel) \
	((rel)->rd_createSubid != InvalidSubTransactionId || \
	 (rel)->rd_firstRelfilelocatorSubid != InvalidSubTransactionId)
#else
#define BEV_RELATION_IS_REPLACED(rel) \
	((rel)->rd_createSubid != InvalidSubTransactionId || \
	 (rel)->rd_firstRelfilenodeSubid != InvalidSubTransactionId)
#endif

/* The columns of a relation that a query reads, each less the lowest number of a system column. */
#include "nodes/parsenodes.h"
static inline Bitmapset *
bev_selected_columns(const Query *query pg_attribute_unused(), const RangeTblEntry *rte)
{
#if PG_VERSION_NUM >= 160000
	return rte->perminfoindex == 0 ?
	           NULL :
	           list_nth_node(RTEPermissionInfo, query->rteperminfos, rte->perminfoindex - 1)
	               ->selectedCols;
#else
	return rte->selectedCols;
#endif
}

/* How many files of relations are dropped if the current subtransaction commits? */
#include "catalog/storage.h"
static inline int
bev_dropped_files(void)
{
#if PG_VERSION_NUM >= 160000
	RelFileLocator *files;
#else
	RelFileNode *files;
#endif

	return smgrGetPendingDeletes(true, &files);
}

/* Does the role own the relation, the database? */
#if PG_VERSION_NUM >= 160000
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "utils/acl.h"
#define bev_class_is_owned(relid, role)   object_ownercheck(RelationRelationId, relid, role)
#define bev_database_is_owned(dbid, role) object_ownercheck(DatabaseRelationId, dbid, role)
#else
#include "utils/acl.h"
#define bev_class_is_owned(relid, role)   pg_class_ownercheck(relid, role)
#define bev_database_is_owned(dbid, role) pg_database_ownercheck(dbid, role)
#endif

/*
 * Is there still the same number of settings as at *number, which is brought up to date?  Where
 * looking a setting up is cheap, false.
 */
#if PG_VERSION_NUM >= 160000
#define bev_settings_are_as_many(number) ((void) (number), false)
#else
#include "utils/guc.h"
static inline bool
bev_settings_are_as_many(int *number)
{
	int before = *number;

	*number = GetNumConfigOptions();
	return *number == before;
}
#endif

/* For the executor's functions that take one, but won't need it. */
#if PG_VERSION_NUM >= 160000
#define bev_no_epq(epq, estate) EvalPlanQualInit(epq, estate, NULL, NIL, -1, NIL)
#else
#define bev_no_epq(epq, estate) EvalPlanQualInit(epq, estate, NULL, NIL, -1)
#endif

/* Parsing JSON: what a callback returns, and a lexer for a C string. */
#include "common/jsonapi.h"
#include "mb/pg_wchar.h"
#if PG_VERSION_NUM >= 160000
typedef JsonParseErrorType BevJsonAction;
#define BEV_JSON_ACTION_DONE return JSON_SUCCESS
#else
typedef void BevJsonAction;
#define BEV_JSON_ACTION_DONE return
#endif
#if PG_VERSION_NUM >= 170000
#define bev_json_lexer(text) \
	makeJsonLexContextCstringLen(NULL, text, strlen(text), GetDatabaseEncoding(), true)
#else
#define bev_json_lexer(text) \
	makeJsonLexContextCstringLen(unconstify(char *, text), strlen(text), GetDatabaseEncoding(), \
	                             true)
#endif

/* A set of n events to wait for, for the life of the process. */
#include "storage/latch.h"
#include "utils/memutils.h"
#if PG_VERSION_NUM >= 170000
#define bev_wait_event_set(n) CreateWaitEventSet(NULL, n)
#else
#define bev_wait_event_set(n) CreateWaitEventSet(TopMemoryContext, n)
#endif

/* The index of a table's primary key; ours are not deferrable. */
#include "utils/relcache.h"
#if PG_VERSION_NUM >= 180000
#define bev_primary_key(table) RelationGetPrimaryKeyIndex(table, false)
#else
#define bev_primary_key(table) RelationGetPrimaryKeyIndex(table)
#endif

/* Give a relation a new, empty file; build the indexes of a table anew. */
#include "catalog/index.h"
#if PG_VERSION_NUM >= 160000
#define bev_new_file(rel) RelationSetNewRelfilenumber(rel, (rel)->rd_rel->relpersistence)
#else
#define bev_new_file(rel) RelationSetNewRelfilenode(rel, (rel)->rd_rel->relpersistence)
#endif
#if PG_VERSION_NUM >= 170000
#define bev_reindex(relid, flags, params) reindex_relation(NULL, relid, flags, params)
#else
#define bev_reindex(relid, flags, params) reindex_relation(relid, flags, params)
#endif

/* As pg_b64_encode(): the length, or -1. */
#include "common/base64.h"
#if PG_VERSION_NUM >= 180000
#define bev_base64_encode(src, len, dst, room) pg_b64_encode((const uint8 *) (src), len, dst, room)
#else
#define bev_base64_encode(src, len, dst, room) pg_b64_encode(src, len, dst, room)
#endif

/* The oldest transaction that is under way, of any database. */
#include "storage/procarray.h"
#if PG_VERSION_NUM >= 190000
#define bev_oldest_active_transaction() GetOldestActiveTransactionId(false, true)
#else
#define bev_oldest_active_transaction() GetOldestActiveTransactionId()
#endif

/* Building jsonb: what is under way, whose result stands when the last end was pushed. */
#include "utils/jsonb.h"
#if PG_VERSION_NUM >= 190000
typedef JsonbInState BevJsonbState;
#define bev_jsonb_push(state, token, value) pushJsonbValue(state, token, value)
#else
typedef struct BevJsonbState
{
	JsonbParseState *open;
	JsonbValue *result;
} BevJsonbState;
#define bev_jsonb_push(state, token, value) \
	((void) ((state)->result = pushJsonbValue(&(state)->open, token, value)))
#endif

/* Names and numbers of databases: get_database_name(), get_database_oid(). */
#if PG_VERSION_NUM >= 190000
#include "catalog/pg_database.h"
#include "utils/lsyscache.h"
#else
#include "commands/dbcommands.h"
#endif

/* Scan all of a table. */
#include "access/tableam.h"
#if PG_VERSION_NUM >= 190000
#define bev_table_scan(rel, snapshot) table_beginscan(rel, snapshot, 0, NULL, SO_HINT_REL_READ_ONLY)
#else
#define bev_table_scan(rel, snapshot) table_beginscan(rel, snapshot, 0, NULL)
#endif

/* From within a handler of SIGTERM: ask the worker's loop to end. */
#include "postmaster/interrupt.h"
#if PG_VERSION_NUM >= 190000
#define bev_ask_for_shutdown() SignalHandlerForShutdownRequest(postgres_signal_arg, pg_siginfo)
#else
#define bev_ask_for_shutdown() SignalHandlerForShutdownRequest(postgres_signal_arg)
#endif

/* PG_FUNCTION_INFO_V1, which exports the function by itself from 16 on only. */
#include "fmgr.h"
#define BEV_FUNCTION_INFO_V1(name) \
	extern PGDLLEXPORT Datum name(PG_FUNCTION_ARGS); \
	PG_FUNCTION_INFO_V1(name)

#endif /* BEV_SERVER_BASE_COMPAT_H */
