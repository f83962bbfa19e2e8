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

#endif /* BEV_SERVER_BASE_COMPAT_H */
