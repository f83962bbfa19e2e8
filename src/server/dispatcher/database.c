/*
 * database.c - the connection to the database that is served.
 *
 * Model: a worker connects once in its life, and one that can't connect dies with
 * FATAL.  A server whose database was dropped, or not yet created, would log that
 * every other second.  So an attempt is noted in shared memory; the worker that is
 * started after one that failed connects to no database and looks whether ours
 * exists, until it does; then it ends, and the next one connects.
 */
#include "server/dispatcher/database.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "server/base/settings.h"
#include "server/base/worker.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"

#define LOOK_INTERVAL 1000 /* ms */

static bool *attempted; /* in shared memory; only the dispatcher writes */

static void
init(void *memory, LWLock *lock pg_attribute_unused())
{
	attempted = memory;
}

const BevSharedArea bev_database_area = {
	.name = "bugevents database", .size = sizeof(*attempted), .init = init};

/* NULL: one can connect to it. */
static const char *
trouble_of(Form_pg_database database)
{
	return database->datallowconn && database->datconnlimit != DATCONNLIMIT_INVALID_DB ?
	           NULL :
	           "takes no connections";
}

/*
 * What keeps us from connecting; NULL: nothing.  pg_database is read from end to end: as long as
 * nobody has been connected to any database since the server's start, and so left the cache of
 * what indexes are like, none can be opened here.
 */
static const char *
look_for_database(void)
{
	const char *trouble = "does not exist";
	Relation databases;
	TableScanDesc scan;
	HeapTuple tuple;

	StartTransactionCommand();
	databases = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(databases, 0, NULL);
	while (HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);

		if (strncmp(NameStr(database->datname), bev_database, NAMEDATALEN - 1) == 0)
			trouble = trouble_of(database);
	}
	table_endscan(scan);
	table_close(databases, AccessShareLock);
	CommitTransactionCommand();
	return trouble;
}

static void
wait_for_database(void)
{
	const char *trouble;
	const char *told = NULL;

	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	while (!ShutdownRequestPending && (trouble = look_for_database()) != NULL)
	{
		if (told != trouble)
			ereport(
				LOG,
				(errmsg("database \"%s\" %s, bugevents waits for it", bev_database, trouble),
			     errhint("Create it, or set bugevents.database to the database to be served and "
			             "restart the server.")));
		told = trouble;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, LOOK_INTERVAL,
		                 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		bev_worker_check();
	}
}

void
bev_database_connect(void)
{
	if (*attempted)
	{
		wait_for_database();
		*attempted = false;
		proc_exit(1); /* not 0: that would mean never again */
	}
	*attempted = true;
	bev_worker_connect();
	*attempted = false;
}
