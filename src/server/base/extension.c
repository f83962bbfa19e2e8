/*
 * extension.c - whether the extension that the database has is the one of this library.
 *
 * Model: a library knows the one version of the SQL script that it belongs to.  A new package
 * brings both, but the library is the new one after a restart, and the script after ALTER
 * EXTENSION, in each database.  In between, tables and functions may be missing or others.  What
 * captures changes goes on as well as it can, as a writer must not fail; nothing is served.
 */
#include "server/base/extension.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_extension.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

static char *
version_of(Relation extensions, HeapTuple tuple)
{
	bool isnull;
	Datum version =
		heap_getattr(tuple, Anum_pg_extension_extversion, RelationGetDescr(extensions), &isnull);

	return isnull ? NULL : TextDatumGetCString(version);
}

/* NULL: there is no extension. */
static char *
installed_version(void)
{
	Relation extensions = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	char *version = NULL;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
	            CStringGetDatum("bugevents"));
	scan = systable_beginscan(extensions, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		version = version_of(extensions, tuple);
	systable_endscan(scan);
	table_close(extensions, AccessShareLock);
	return version;
}

/* Versions are numbers with dots. */
static bool
is_later(const char *a, const char *b)
{
	while (*a && *b)
	{
		long x = strtol(a, (char **) &a, 10);
		long y = strtol(b, (char **) &b, 10);

		if (x != y)
			return x > y;
		a += strspn(a, ".");
		b += strspn(b, ".");
		if (strspn(a, "0123456789") == 0 || strspn(b, "0123456789") == 0)
			break;
	}
	return *a && !*b;
}

char *
bev_extension_misfit(const char **cure)
{
	char *version = installed_version();

	if (version == NULL || strcmp(version, BUGEVENTS_VERSION) == 0)
		return NULL;
	*cure = is_later(version, BUGEVENTS_VERSION) ?
	            "Restart the server, which has the library of an earlier version loaded." :
	            "Run ALTER EXTENSION bugevents UPDATE in it.";
	return version;
}
