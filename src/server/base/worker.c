/*
 * worker.c - what all our background workers have in common: start, connection, loop.
 *
 * Model: the dispatcher is registered while the library is preloaded.  It starts the responder
 * when there is a question, and looks after the workers of worker_registry.h.
 *
 * Failure: an error outside of what a turn itself catches ends the worker; whoever looks after it
 * starts another one.
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
#include "access/xlog.h"
#include "catalog/pg_authid_d.h"
#include "server/base/settings.h"
#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "server/base/clock.h"
#include "server/base/compat.h"

BackgroundWorker
bev_worker_describe(const char *name)
{
	BackgroundWorker worker = {.bgw_flags =
	                               BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION,
	                           .bgw_start_time = BgWorkerStart_RecoveryFinished,
	                           .bgw_restart_time = BGW_NEVER_RESTART};

	strlcpy(worker.bgw_library_name, "bugevents", sizeof(worker.bgw_library_name));
	snprintf(worker.bgw_function_name, sizeof(worker.bgw_function_name), "bugevents_%s_main", name);
	snprintf(worker.bgw_name, sizeof(worker.bgw_name), "bugevents %s", name);
	snprintf(worker.bgw_type, sizeof(worker.bgw_type), "bugevents %s", name);
	return worker;
}

/* What this process wanted to start, with what it means that there was no slot; NULL: there was. */
#define NAMES         20
#define TELL_INTERVAL 600000 /* ms between two lines of the log about one that is missing */
typedef struct Tried
{
	char name[BGW_MAXLEN];
	const char *loss;
	TimestampTz tell_again;
} Tried;

static Tried tried[NAMES];

static Tried *
place_of(const char *name)
{
	int i = 0;

	while (i < NAMES - 1 && tried[i].name[0] != '\0' && strcmp(tried[i].name, name) != 0)
		i++;
	strlcpy(tried[i].name, name, sizeof(tried[i].name));
	return &tried[i];
}

bool
bev_worker_start(BackgroundWorker *worker, const char *loss, BackgroundWorkerHandle **handle)
{
	const char *name = worker->bgw_name + strlen("bugevents ");
	bool started = RegisterDynamicBackgroundWorker(worker, handle);
	Tried *place = place_of(name);

	place->loss = started ? NULL : loss;
	if (started)
		place->tell_again = 0;
	else if (bev_clock_every(&place->tell_again, TELL_INTERVAL))
		ereport(LOG, (errmsg("bugevents could not start its %s: %s", name, loss),
		              errhint("Set max_worker_processes higher.")));
	return started;
}

void
bev_worker_list_missing(StringInfo text)
{
	for (int i = 0; i < NAMES; i++)
		if (tried[i].loss)
			appendStringInfo(text, "%sno %s, %s", text->len ? "; " : "", tried[i].name,
			                 tried[i].loss);
}

/* What runs is cancelled, too: it may wait for a lock for hours. */
static void
handle_shutdown(SIGNAL_ARGS)
{
	int save_errno = errno;

	bev_ask_for_shutdown();
	QueryCancelPending = true;
	InterruptPending = true;
	errno = save_errno;
}

void
bev_worker_begin(void)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, handle_shutdown);
	BackgroundWorkerUnblockSignals();
}

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

void
bev_worker_check(void)
{
	if (ShutdownRequestPending)
		QueryCancelPending = false;
	CHECK_FOR_INTERRUPTS();
}

/* On a standby, where replay doesn't wait for readers for long. */
bool
bev_worker_is_conflict(void)
{
	return geterrcode() == ERRCODE_T_R_SERIALIZATION_FAILURE && RecoveryInProgress();
}

/* What was cancelled because the worker is to end is no error, nor is what is tried again. */
static bool
take_turn(bool (*turn)(void))
{
	volatile bool goes_on = false;

	PG_TRY();
	{
		goes_on = turn();
	}
	PG_CATCH();
	{
		bool conflict = bev_worker_is_conflict();

		if (!conflict && (!ShutdownRequestPending || geterrcode() != ERRCODE_QUERY_CANCELED))
			PG_RE_THROW();
		FlushErrorState();
		AbortCurrentTransaction();
		goes_on = conflict;
	}
	PG_END_TRY();
	return goes_on;
}

void
bev_worker_run(bool (*turn)(void))
{
	MemoryContext context =
		AllocSetContextCreate(TopMemoryContext, "bugevents turn", ALLOCSET_DEFAULT_SIZES);

	MemoryContextSwitchTo(context);
	while (!ShutdownRequestPending && take_turn(turn))
	{
		MemoryContextSwitchTo(context);
		MemoryContextReset(context);
	}
	bev_worker_check();
}
