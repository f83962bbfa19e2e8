/*
 * stream_row.c - the row of bugevents.stream: which stream this database is.
 */
#include "journal/stream_row.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#define STREAM_ID	1			/* column number, as the install script has it */

bool
be_stream_row_read(pg_uuid_t *id)
{
	Oid			schema = get_namespace_oid("bugevents", true);
	Oid			oid = OidIsValid(schema) ? get_relname_relid("stream", schema) : InvalidOid;
	Relation	table = OidIsValid(oid) ? try_table_open(oid, AccessShareLock) : NULL;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (table == NULL)
		return false;

	scan = systable_beginscan(table, InvalidOid, false, GetActiveSnapshot(), 0, NULL);
	tuple = systable_getnext(scan);
	if (tuple)
	{
		bool		isnull;
		Datum		value = heap_getattr(tuple, STREAM_ID, RelationGetDescr(table), &isnull);

		memcpy(id, DatumGetUUIDP(value), sizeof(pg_uuid_t));
	}
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	return tuple != NULL;
}
