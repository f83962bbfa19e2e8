/*
 * child.c - a program of ours as a child process: its start, its end, and when it starts again.
 *
 * Model: one that ends is started again after FIRST_DELAY; one that ends again and again, after
 * twice as long each time, up to its longest delay.  Having lived longer than that it begins anew.
 */
#include "server/base/child.h"

#include <signal.h>

#include "server/base/clock.h"

#define FIRST_DELAY 100 /* ms */

bool
bev_child_is_due(const BevChild *child)
{
	return child->pid == 0 && bev_clock_has_come(child->not_before, child->longest);
}

static void
start_later(BevChild *child)
{
	bool lived = child->started != 0 &&
	             TimestampDifferenceExceeds(child->started, GetCurrentTimestamp(), child->longest);

	child->pid = 0;
	child->delay = lived || child->delay == 0 ? FIRST_DELAY : Min(child->delay * 2, child->longest);
	child->not_before = bev_clock_ahead(child->delay);
}

bool
bev_child_start(BevChild *child, const char *name, char *const argv[], int file, bool bound,
                BevSpawnEnds *ends)
{
	pid_t pid = bev_spawn(argv, file, bound, ends);

	if (pid < 0)
	{
		ereport(LOG, (errmsg("could not start bugevents %s: %m", name)));
		start_later(child);
		return false;
	}
	child->pid = pid;
	child->started = GetCurrentTimestamp();
	return true;
}

bool
bev_child_ended(BevChild *child, int *status)
{
	if (child->pid == 0 || !bev_spawn_ended(child->pid, status))
		return false;
	start_later(child);
	return true;
}

void
bev_child_kill(const BevChild *child)
{
	if (child->pid > 0)
		kill(child->pid, SIGKILL);
}
