/*
 * stream_row.c - the row of bugevents.stream: which stream this database is.
 */
#include "server/journal/stream_row.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "executor/spi.h"
#include "server/journal/journal.h"
#include "server/journal/layout.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

void
bev_stream_row_renew(uint64 dropped)
{
	SPI_connect();
	if (SPI_execute(psprintf("UPDATE bugevents.stream SET id = gen_random_uuid(),"
	                         " dropped = greatest(dropped, " UINT64_FORMAT ")",
	                         dropped),
	                false, 0) != SPI_OK_UPDATE)
		elog(ERROR, "could not update bugevents.stream");
	SPI_finish();
}

bool
bev_stream_row_read(BevStreamRow *row)
{
	Oid oid = bev_journal_table(BEV_TABLE_STREAM);
	Relation table = OidIsValid(oid) ? try_table_open(oid, AccessShareLock) : NULL;
	SysScanDesc scan;
	HeapTuple tuple;

	if (table == NULL)
		return false;

	scan = systable_beginscan(table, InvalidOid, false, GetActiveSnapshot(), 0, NULL);
	tuple = systable_getnext(scan);
	if (tuple)
	{
		TupleDesc desc = RelationGetDescr(table);
		bool isnull;

		row->id = *DatumGetUUIDP(heap_getattr(tuple, STREAM_ID, desc, &isnull));
		row->dropped = DatumGetInt64(heap_getattr(tuple, STREAM_DROPPED, desc, &isnull));
	}
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	return tuple != NULL;
}
