/*
 * compat.h - the differences between PostgreSQL 15 and later, in one place.
 */
#ifndef BE_SERVER_BASE_COMPAT_H
#define BE_SERVER_BASE_COMPAT_H

#include "postgres.h"

#include "miscadmin.h"
#include "storage/proc.h"

/* A small dense number of this process, from 0; below BE_PROCESSES. */
#if PG_VERSION_NUM >= 170000
#define BE_MY_PROCESS	((int) MyProcNumber)
#define BE_PROCESSES	(MaxBackends + NUM_AUXILIARY_PROCS)
#else
#define BE_MY_PROCESS	((int) MyBackendId - 1)
#define BE_PROCESSES	MaxBackends
#endif

/* The index of this process among ProcGlobal->allProcs. */
#if PG_VERSION_NUM >= 170000
#define BE_MY_PGPROC	((uint32) MyProcNumber)
#else
#define BE_MY_PGPROC	((uint32) MyProc->pgprocno)
#endif

/* Does the role own the relation, the database? */
#if PG_VERSION_NUM >= 160000
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "utils/acl.h"
#define be_class_is_owned(relid, role)	object_ownercheck(RelationRelationId, relid, role)
#define be_database_is_owned(dbid, role)	object_ownercheck(DatabaseRelationId, dbid, role)
#else
#include "utils/acl.h"
#define be_class_is_owned(relid, role)	pg_class_ownercheck(relid, role)
#define be_database_is_owned(dbid, role)	pg_database_ownercheck(dbid, role)
#endif

/*
 * Is there still the same number of settings as at *number, which is brought up to date?  Where
 * looking a setting up is cheap, false.
 */
#if PG_VERSION_NUM >= 160000
#define be_settings_are_as_many(number)	((void) (number), false)
#else
#include "utils/guc.h"
static inline bool
be_settings_are_as_many(int *number)
{
	int			before = *number;

	*number = GetNumConfigOptions();
	return *number == before;
}
#endif

/* Parsing JSON: what a callback returns, and a lexer for a C string. */
#include "common/jsonapi.h"
#include "mb/pg_wchar.h"
#if PG_VERSION_NUM >= 160000
typedef JsonParseErrorType BeJsonAction;
#define BE_JSON_ACTION_DONE		return JSON_SUCCESS
#else
typedef void BeJsonAction;
#define BE_JSON_ACTION_DONE		return
#endif
#if PG_VERSION_NUM >= 170000
#define be_json_lexer(text) \
	makeJsonLexContextCstringLen(NULL, text, strlen(text), GetDatabaseEncoding(), true)
#else
#define be_json_lexer(text) \
	makeJsonLexContextCstringLen(unconstify(char *, text), strlen(text), GetDatabaseEncoding(), true)
#endif

#endif							/* BE_SERVER_BASE_COMPAT_H */
