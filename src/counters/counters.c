/*
 * counters.c - counters in shared memory, for the metrics.
 *
 * Model: captured events are counted by each session in an array of its own (one for each
 * possible process, on cache lines that nobody else writes), so that counting costs
 * a commit a few instructions and no contention.  Reading adds them up.  Who takes over
 * a process number goes on counting where its predecessor stopped.
 *
 * Custom types are counted together: their names are the application's, and a label must
 * have a bounded number of values.
 */
#include "counters/counters.h"

#include "extension/compat.h"
#include "port/atomics.h"
#include "storage/shmem.h"

#define OTHER	"other"

static const char *const actions[] = {
	"created", "updated", "deleted", "status_changed", "assigned", "unassigned",
	"moved_out", "truncated"
};

static const char *const types[] = {
	"bug_report", "comment", "project", "user", "membership", "notification"
};

/* Of all the types with all the actions, and the rest. */
#define KINDS	(lengthof(types) * lengthof(actions) + 1)

typedef struct Captures
{
	uint64		count[TYPEALIGN(PG_CACHE_LINE_SIZE / sizeof(uint64), KINDS)];
} Captures;

typedef struct Counters
{
	pg_atomic_uint64 gateway[BE_COUNTER_KINDS];
	pg_atomic_uint32 alert[BE_ALERTS];
	Captures	session[FLEXIBLE_ARRAY_MEMBER];
} Counters;

static Counters *counters;

static Size
counters_size(void)
{
	return add_size(offsetof(Counters, session), mul_size(BE_PROCESSES, sizeof(Captures)));
}

void
be_counters_request(void)
{
	RequestAddinShmemSpace(CACHELINEALIGN(counters_size()));
}

void
be_counters_startup(void)
{
	bool		found;

	counters = ShmemInitStruct("bugevents counters", counters_size(), &found);
	if (found)
		return;
	memset(counters, 0, counters_size());
	for (int i = 0; i < BE_COUNTER_KINDS; i++)
		pg_atomic_init_u64(&counters->gateway[i], 0);
	for (int i = 0; i < BE_ALERTS; i++)
		pg_atomic_init_u32(&counters->alert[i], 0);
}

void
be_counters_add(BeCounter counter, uint64 n)
{
	if (n > 0)
		pg_atomic_fetch_add_u64(&counters->gateway[counter], n);
}

uint64
be_counters_get(BeCounter counter)
{
	return pg_atomic_read_u64(&counters->gateway[counter]);
}

void
be_counters_set_alert(BeAlert alert, bool raised)
{
	pg_atomic_write_u32(&counters->alert[alert], raised);
}

bool
be_counters_alert(BeAlert alert)
{
	return pg_atomic_read_u32(&counters->alert[alert]) != 0;
}

static int
find_kind(const char *type, const char *action)
{
	for (int t = 0; t < (int) lengthof(types); t++)
		for (int a = 0; a < (int) lengthof(actions) && strcmp(type, types[t]) == 0; a++)
			if (strcmp(action, actions[a]) == 0)
				return t * (int) lengthof(actions) + a;
	return (int) KINDS - 1;
}

void
be_counters_captured(const char *type, const char *action)
{
	/* Types and actions are constants mostly, and come again and again. */
	static const char *last_type = NULL;
	static const char *last_action = NULL;
	static int	last_kind = 0;

	if (type != last_type || action != last_action || last_kind == (int) KINDS - 1)
	{
		last_kind = find_kind(type, action);
		last_type = type;
		last_action = action;
	}
	counters->session[BE_MY_PROCESS].count[last_kind]++;
}

int
be_counters_captures(void)
{
	return (int) KINDS;
}

uint64
be_counters_capture(int kind, const char **type, const char **action)
{
	uint64		sum = 0;

	*type = kind == (int) KINDS - 1 ? OTHER : types[kind / lengthof(actions)];
	*action = kind == (int) KINDS - 1 ? OTHER : actions[kind % lengthof(actions)];
	for (int i = 0; i < BE_PROCESSES; i++)
		sum += counters->session[i].count[kind];
	return sum;
}
