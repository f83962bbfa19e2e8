/*
 * turn.c - how long a turn of the dispatcher takes.
 *
 * Model: two times of each turn, its length and the processor time in it, of which the longest of
 * the last minute or two are metrics.  What is above the processor time was spent waiting: for a
 * disk, a lock, or for a processor that others have.
 *
 * With assertions a turn whose own work takes longer than WORK_MAX fails; on a busy machine
 * processor time tells that, and the clock doesn't.  An event of 100 MB takes its time, whoever is
 * to have it: what was moved counts.  What waits for a table's lock for as long
 * fails by lock_timeout then (dispatcher.c).
 */
#include "server/dispatcher/turn.h"

#include <time.h>

#include "portability/instr_time.h"
#include "server/base/clock.h"
#include "server/shared/counters.h"

#define MINUTE   60000 /* ms */
#define WORK_MAX 50000 /* us */
#define LONG     10000 /* us */
#define RATE     200   /* bytes in a us, at the least */

/* The longest of the minute that is under way and of the one before, in us. */
typedef struct Longest
{
	uint64 now;
	uint64 before;
} Longest;

static instr_time began;
static uint64 cpu_before;
static uint64 moved;
static Longest length;
static Longest work;

/* Of this process, in us. */
static uint64
cpu_time(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (uint64) time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static uint64
elapsed(void)
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, began);
	return INSTR_TIME_GET_MICROSEC(now);
}

void
bev_turn_begin(void)
{
	INSTR_TIME_SET_CURRENT(began);
	cpu_before = cpu_time();
	moved = 0;
}

void
bev_turn_moved(Size bytes)
{
	moved += bytes;
}

bool
bev_turn_is_long(void)
{
	return elapsed() > LONG;
}

static void
begin_minute(Longest *longest)
{
	longest->before = longest->now;
	longest->now = 0;
}

static uint64
note(Longest *longest, uint64 us)
{
	longest->now = Max(longest->now, us);
	return Max(longest->now, longest->before);
}

void
bev_turn_end(void)
{
	static TimestampTz next_minute = 0;
	uint64 cpu = cpu_time() - cpu_before;

	Assert(cpu < WORK_MAX + moved / RATE);
	if (bev_clock_every(&next_minute, MINUTE))
	{
		begin_minute(&length);
		begin_minute(&work);
	}
	bev_counters_set_longest_turn(note(&length, elapsed()), note(&work, cpu));
}
