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

#include "access/xact.h"
#include "server/base/compat.h"
#include "server/base/settings.h"
#include "server/base/worker.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/shmem.h"

#define LOOK_INTERVAL 1000 /* ms */

static bool *attempted; /* in shared memory; only the dispatcher writes */

void
bev_database_request(void)
{
	RequestAddinShmemSpace(MAXALIGN(sizeof(*attempted)));
}

void
bev_database_startup(void)
{
	bool found;

	attempted = ShmemInitStruct("bugevents database", sizeof(*attempted), &found);
	if (!found)
		*attempted = false;
}

static bool
database_exists(void)
{
	bool exists;

	StartTransactionCommand();
	exists = OidIsValid(get_database_oid(bev_database, true));
	CommitTransactionCommand();
	return exists;
}

static void
wait_for_database(void)
{
	bool told = false;

	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	while (!ShutdownRequestPending && !database_exists())
	{
		if (!told)
			ereport(
				LOG,
				(errmsg("database \"%s\" does not exist, bugevents waits for it", bev_database),
			     errhint(
					 "Create it, or set bugevents.database to the database to be served and restart the server.")));
		told = true;
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
