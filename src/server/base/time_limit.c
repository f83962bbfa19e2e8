/*
 * time_limit.c - a limit on the time of what a worker, or a commit, does for somebody.
 *
 * Why not statement_timeout: it is armed by the loop of a session, which a worker hasn't, and which
 * has disarmed it when a transaction commits; and
 * what was cancelled by it can't be told from what somebody cancelled by hand.
 */
#include "server/base/time_limit.h"

#include <signal.h>

#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/timeout.h"

static volatile sig_atomic_t exceeded = false;
static TimeoutId timer;
static bool set = false;

static void
cancel(void)
{
	exceeded = true;
	QueryCancelPending = true;
	InterruptPending = true;
	SetLatch(MyLatch);
}

void
bev_time_limit_begin(int ms)
{
	static bool registered = false;

	if (!registered)
		timer = RegisterTimeout(USER_TIMEOUT, cancel);
	registered = true;
	exceeded = false;
	set = true;
	enable_timeout_after(timer, ms);
}

void
bev_time_limit_end(void)
{
	disable_timeout(timer, false);
	set = false;
	/* It may have come when all was done. */
	if (exceeded)
		QueryCancelPending = false;
}

bool
bev_time_limit_is_set(void)
{
	return set;
}

bool
bev_time_limit_exceeded(void)
{
	return exceeded;
}
