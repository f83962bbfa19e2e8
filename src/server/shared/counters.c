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
#include "server/shared/counters.h"

#include "server/base/compat.h"
#include "port/atomics.h"
#include "utils/timestamp.h"

#define OTHER "other"

#define TELL_INTERVAL (3600 * 1000) /* ms */

typedef struct Kind
{
	const char *type;
	const char *action;
} Kind;

#define ROWS(type) \
	{type, "created"}, {type, "updated"}, {type, "deleted"}, {type, "moved_out"}, \
	{ \
		type, "truncated" \
	}

/* Of bugevents' own events; the last is the rest. */
static const Kind kinds[] = {ROWS("bug_report"),
                             {"bug_report", "status_changed"},
                             {"bug_report", "assigned"},
                             {"bug_report", "unassigned"},
                             ROWS("comment"),
                             ROWS("project"),
                             ROWS("user"),
                             {"user", "status_changed"},
                             ROWS("membership"),
                             {"notification", "bug_assigned"},
                             {"notification", "bug_created"},
                             {"notification", "comment_added"},
                             {"notification", "mentioned"},
                             {"notification", "status_changed"},
                             {"notification", "priority_changed"},
                             {"notification", "reminder_sent"},
                             {"notification", "welcome"},
                             {"notification", "read"},
                             {"notification", "deleted"},
                             {"reminder", "created"},
                             {"reminder", "updated"},
                             {"reminder", "deleted"},
                             {"watch", "created"},
                             {"watch", "deleted"},
                             {"watch", "muted"},
                             {"watch", "unmuted"},
                             {"alert", "raised"},
                             {"alert", "cleared"},
                             {"schema", "changed"},
                             {OTHER, OTHER}};

#define KINDS lengthof(kinds)

/* Aligned, and so padded: nobody else writes on its cache lines. */
typedef struct pg_attribute_aligned(PG_CACHE_LINE_SIZE) Captures
{
	uint64 count[KINDS];
}
Captures;

typedef struct AlertCell
{
	pg_atomic_uint64 since; /* 0: it isn't raised */
	pg_atomic_uint64 value; /* in thousandths */
	pg_atomic_uint64 threshold;
} AlertCell;

typedef struct Counters
{
	pg_atomic_uint64 gateway[BEV_COUNTER_KINDS];
	AlertCell alert[BEV_ALERTS];
	pg_atomic_uint64 skips;
	pg_atomic_uint64 longest_turn;     /* us */
	pg_atomic_uint64 longest_turn_cpu; /* us */
	pg_atomic_uint64 journal_bytes;
	pg_atomic_uint64 journal_oldest;
	pg_atomic_uint64 undecided;
	pg_atomic_uint64 standby_lag; /* us */
	pg_atomic_uint64 consumers;
	pg_atomic_uint64 consumed; /* by all of these, up to here */
	pg_atomic_uint64 slow_writes;
	pg_atomic_uint64 slow_write_told; /* when */
	pg_atomic_uint64 audiences_refused;
	pg_atomic_uint64 sends_refused;
	Captures session[FLEXIBLE_ARRAY_MEMBER];
} Counters;

StaticAssertDecl(offsetof(Counters, session) % PG_CACHE_LINE_SIZE == 0 &&
                     sizeof(Captures) % PG_CACHE_LINE_SIZE == 0,
                 "a session's counters begin and end with a cache line");

static Counters *counters;

static Size
sessions_size(void)
{
	return mul_size(BEV_PROCESSES, sizeof(Captures));
}

static void
init(void *memory, LWLock *lock pg_attribute_unused())
{
	counters = memory;
	for (int i = 0; i < BEV_COUNTER_KINDS; i++)
		pg_atomic_init_u64(&counters->gateway[i], 0);
	for (int i = 0; i < BEV_ALERTS; i++)
	{
		pg_atomic_init_u64(&counters->alert[i].since, 0);
		pg_atomic_init_u64(&counters->alert[i].value, 0);
		pg_atomic_init_u64(&counters->alert[i].threshold, 0);
	}
	pg_atomic_init_u64(&counters->skips, 0);
	pg_atomic_init_u64(&counters->longest_turn, 0);
	pg_atomic_init_u64(&counters->longest_turn_cpu, 0);
	pg_atomic_init_u64(&counters->journal_bytes, 0);
	pg_atomic_init_u64(&counters->journal_oldest, 0);
	pg_atomic_init_u64(&counters->undecided, 0);
	pg_atomic_init_u64(&counters->standby_lag, 0);
	pg_atomic_init_u64(&counters->consumers, 0);
	pg_atomic_init_u64(&counters->consumed, 0);
	pg_atomic_init_u64(&counters->slow_writes, 0);
	pg_atomic_init_u64(&counters->slow_write_told, 0);
	pg_atomic_init_u64(&counters->audiences_refused, 0);
	pg_atomic_init_u64(&counters->sends_refused, 0);
}

const BevSharedArea bev_counters_area = {.name = "bugevents counters",
                                         .size = offsetof(Counters, session),
                                         .more = sessions_size,
                                         .init = init};

void
bev_counters_add(BevCounter counter, uint64 n)
{
	if (n > 0)
		pg_atomic_fetch_add_u64(&counters->gateway[counter], n);
}

uint64
bev_counters_get(BevCounter counter)
{
	return pg_atomic_read_u64(&counters->gateway[counter]);
}

void
bev_counters_set_alert(BevAlert alert, bool raised)
{
	pg_atomic_write_u64(&counters->alert[alert].since, raised ? GetCurrentTimestamp() : 0);
}

void
bev_counters_measure_alert(BevAlert alert, double value, double threshold)
{
	pg_atomic_write_u64(&counters->alert[alert].value, (uint64) (value * 1000));
	pg_atomic_write_u64(&counters->alert[alert].threshold, (uint64) (threshold * 1000));
}

bool
bev_counters_alert(BevAlert alert)
{
	return pg_atomic_read_u64(&counters->alert[alert].since) != 0;
}

BevAlertState
bev_counters_alert_state(BevAlert alert)
{
	AlertCell *cell = &counters->alert[alert];
	TimestampTz since = pg_atomic_read_u64(&cell->since);

	return (BevAlertState){.raised = since != 0,
	                       .since = since,
	                       .value = pg_atomic_read_u64(&cell->value) / 1000.0,
	                       .threshold = pg_atomic_read_u64(&cell->threshold) / 1000.0};
}

void
bev_counters_skip(void)
{
	pg_atomic_fetch_add_u64(&counters->skips, 1);
}

uint64
bev_counters_skips(void)
{
	return pg_atomic_read_u64(&counters->skips);
}

void
bev_counters_set_journal(uint64 bytes, TimestampTz oldest)
{
	pg_atomic_write_u64(&counters->journal_bytes, bytes);
	pg_atomic_write_u64(&counters->journal_oldest, (uint64) oldest);
}

uint64
bev_counters_journal(TimestampTz *oldest)
{
	*oldest = (TimestampTz) pg_atomic_read_u64(&counters->journal_oldest);
	return pg_atomic_read_u64(&counters->journal_bytes);
}

void
bev_counters_set_undecided(uint64 n)
{
	pg_atomic_write_u64(&counters->undecided, n);
}

void
bev_counters_set_standby_lag(uint64 us)
{
	pg_atomic_write_u64(&counters->standby_lag, us);
}

uint64
bev_counters_standby_lag(void)
{
	return pg_atomic_read_u64(&counters->standby_lag);
}

void
bev_counters_set_consumers(int count, uint64 slowest)
{
	pg_atomic_write_u64(&counters->consumed, slowest);
	pg_atomic_write_u64(&counters->consumers, count);
}

int
bev_counters_consumers(uint64 *slowest)
{
	*slowest = pg_atomic_read_u64(&counters->consumed);
	return (int) pg_atomic_read_u64(&counters->consumers);
}

uint64
bev_counters_undecided(void)
{
	return pg_atomic_read_u64(&counters->undecided);
}

void
bev_counters_set_longest_turn(uint64 us, uint64 cpu)
{
	pg_atomic_write_u64(&counters->longest_turn, us);
	pg_atomic_write_u64(&counters->longest_turn_cpu, cpu);
}

uint64
bev_counters_longest_turn(uint64 *cpu)
{
	*cpu = pg_atomic_read_u64(&counters->longest_turn_cpu);
	return pg_atomic_read_u64(&counters->longest_turn);
}

bool
bev_counters_slow_write(void)
{
	uint64 told = pg_atomic_read_u64(&counters->slow_write_told);
	TimestampTz now = GetCurrentTimestamp();

	pg_atomic_fetch_add_u64(&counters->slow_writes, 1);
	return (told == 0 || TimestampDifferenceExceeds((TimestampTz) told, now, TELL_INTERVAL)) &&
	       pg_atomic_compare_exchange_u64(&counters->slow_write_told, &told, (uint64) now);
}

uint64
bev_counters_slow_writes(void)
{
	return pg_atomic_read_u64(&counters->slow_writes);
}

void
bev_counters_audience_refused(void)
{
	pg_atomic_fetch_add_u64(&counters->audiences_refused, 1);
}

uint64
bev_counters_audiences_refused(void)
{
	return pg_atomic_read_u64(&counters->audiences_refused);
}

void
bev_counters_send_refused(void)
{
	pg_atomic_fetch_add_u64(&counters->sends_refused, 1);
}

uint64
bev_counters_sends_refused(void)
{
	return pg_atomic_read_u64(&counters->sends_refused);
}

static bool
is_kind(const Kind *kind, const char *type, const char *action)
{
	return strcmp(type, kind->type) == 0 && strcmp(action, kind->action) == 0;
}

static int
find_kind(const char *type, const char *action)
{
	int kind = 0;

	while (kind < (int) KINDS - 1 && !is_kind(&kinds[kind], type, action))
		kind++;
	return kind;
}

void
bev_counters_captured(const char *type, const char *action)
{
	/* The same come again and again, but not always at the same address. */
	static int last_kind = 0;

	if (!is_kind(&kinds[last_kind], type, action))
		last_kind = find_kind(type, action);
	counters->session[BEV_MY_PROCESS].count[last_kind]++;
}

int
bev_counters_captures(void)
{
	return (int) KINDS;
}

uint64
bev_counters_capture(int kind, const char **type, const char **action)
{
	uint64 sum = 0;

	*type = kinds[kind].type;
	*action = kinds[kind].action;
	for (int i = 0; i < BEV_PROCESSES; i++)
		sum += counters->session[i].count[kind];
	return sum;
}
