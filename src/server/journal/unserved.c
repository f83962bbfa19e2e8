/*
 * unserved.c - what was written while another database was served.
 *
 * Model: bugevents.database is another name (by mistake, or since databases were renamed), and
 * nothing is captured in this one.  The first transaction that would have published
 * something leaves a row in bugevents.unserved, which commits or rolls back with it.  When this
 * database is served, the dispatcher finds the row, and the stream becomes another
 * one: who comes with a position from before is told.
 *
 * Concurrency: transactions that don't see each other's row leave one each, so none waits
 * for another.
 *
 * Cost: where nothing is served: a look at a table of a page, once in each subtransaction.
 */
#include "server/journal/unserved.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "executor/spi.h"
#include "server/journal/executor_write.h"
#include "server/journal/journal.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

static bool
any_row(Relation table)
{
	SysScanDesc scan = systable_beginscan(table, InvalidOid, false, GetActiveSnapshot(), 0, NULL);
	bool found = HeapTupleIsValid(systable_getnext(scan));

	systable_endscan(scan);
	return found;
}

/* NULL: an earlier version of the extension is installed, or none. */
static Relation
open_notes(LOCKMODE lock)
{
	Oid oid = bev_journal_table(BEV_TABLE_UNSERVED);

	return OidIsValid(oid) ? try_table_open(oid, lock) : NULL;
}

/* Was this asked in this subtransaction before? */
static bool
is_noted(void)
{
	static TransactionId top = InvalidTransactionId;
	static SubTransactionId sub = InvalidSubTransactionId;
	TransactionId now = GetTopTransactionId();
	bool noted = top == now && sub == GetCurrentSubTransactionId();

	top = now;
	sub = GetCurrentSubTransactionId();
	return noted;
}

void
bev_unserved_note(void)
{
	Relation table;
	Datum at = TimestampTzGetDatum(GetCurrentTimestamp());
	bool isnull = false;

	if (RecoveryInProgress() || is_noted())
		return;
	table = open_notes(RowExclusiveLock);
	if (table == NULL)
		return;
	if (!any_row(table))
		bev_executor_insert(table, 1, &at, &isnull);
	table_close(table, NoLock);
}

bool
bev_unserved_take(void)
{
	Relation table = open_notes(AccessShareLock);
	bool found;

	if (table == NULL)
		return false;
	found = any_row(table);
	table_close(table, NoLock);
	if (!found)
		return false;
	SPI_connect();
	if (SPI_execute("DELETE FROM bugevents.unserved", false, 0) != SPI_OK_DELETE)
		elog(ERROR, "could not delete from bugevents.unserved");
	SPI_finish();
	return true;
}
