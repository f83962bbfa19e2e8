/*
 * worker.c - what all background workers that connect to the database have in common.
 *
 * Rights: a worker is a superuser, and ALTER DATABASE ... SET, which the database's
 * owner may do, holds for it too.  With a search_path of the owner's, operators in the
 * worker's own SQL would be the owner's functions, run by a superuser; others would
 * end the worker each time it writes.  So what decides who it is, what names mean and
 * whether it can write is set again here, from a source that overrides those of the
 * database and of the configuration file.
 */
#include "postgres.h"

#include "server/base/worker.h"

#include "access/xact.h"
#include "catalog/pg_authid_d.h"
#include "server/base/settings.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "utils/guc.h"

static void
set(const char *name, const char *value)
{
	SetConfigOption(name, value, PGC_SUSET, PGC_S_OVERRIDE);
}

void
bev_worker_connect(void)
{
	BackgroundWorkerInitializeConnection(bev_database, NULL, 0);

	/* Names of roles are looked up. */
	StartTransactionCommand();
	set("session_authorization", GetUserNameFromId(BOOTSTRAP_SUPERUSERID, false));
	set("role", "none");
	set("search_path", "pg_catalog, pg_temp");
	set("default_transaction_read_only", "off");
	set("default_transaction_isolation", "read committed");
	set("default_transaction_deferrable", "off");
	set("lock_timeout", "0");
	set("statement_timeout", "0");
	if (GetConfigOption("transaction_timeout", true, false)) /* from 17 on */
		set("transaction_timeout", "0");
	set("bugevents.actor", "");
	set("application_name", MyBgworkerEntry->bgw_name);
	CommitTransactionCommand();
}
