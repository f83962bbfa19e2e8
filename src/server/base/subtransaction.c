/*
 * subtransaction.c - a step that may fail without ending the transaction.
 */
#include "server/base/subtransaction.h"

#include "access/xact.h"
#include "server/base/time_limit.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

static bool
goes_through(int sqlstate)
{
	bool ran_out = bev_time_limit_is_set() && bev_time_limit_exceeded();

	return (sqlstate == ERRCODE_QUERY_CANCELED && !ran_out) || sqlstate == ERRCODE_ADMIN_SHUTDOWN;
}

/* NULL: it went well. */
static ErrorData *
attempt(void (*step)(void *arg), void *arg, bool any, bool report)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData *volatile error = NULL;
	volatile bool thrown = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(caller);
	PG_TRY();
	{
		step(arg);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		thrown = !any && goes_through(geterrcode());
		if (report && !thrown)
			EmitErrorReport();
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;

	/* Who catches it there rolls his own subtransaction back: ours must be gone. */
	if (thrown)
		ReThrowError(error);
	return error;
}

bool
bev_subtransaction_run(void (*step)(void *arg), void *arg, bool report)
{
	return attempt(step, arg, false, report) == NULL;
}

ErrorData *
bev_subtransaction_error(void (*step)(void *arg), void *arg)
{
	return attempt(step, arg, false, false);
}

ErrorData *
bev_subtransaction_any_error(void (*step)(void *arg), void *arg)
{
	return attempt(step, arg, true, false);
}

bool
bev_subtransaction_may_succeed_later(int sqlstate)
{
	switch (ERRCODE_TO_CATEGORY(sqlstate))
	{
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
			return true;
		default:
			return sqlstate == ERRCODE_LOCK_NOT_AVAILABLE || sqlstate == ERRCODE_OBJECT_IN_USE;
	}
}
