/*
 * counters.h - counters in shared memory, for the metrics.
 *
 * They live as long as the server.  What gateways count (common/pipe/counter.h) is added by
 * the dispatcher; what sessions capture, by each session in a place of its own.
 */
#ifndef BEV_SERVER_SHARED_COUNTERS_H
#define BEV_SERVER_SHARED_COUNTERS_H

#include "postgres.h"

#include "server/base/shared_area.h"
#include "common/pipe/alert_rules.h"
#include "common/pipe/counter.h"
#include "datatype/timestamp.h"

extern const BevSharedArea bev_counters_area;

extern void bev_counters_add(BevCounter counter, uint64 n);
extern uint64 bev_counters_get(BevCounter counter);

/* A trigger captured an event; type and action as they are in it. */
extern void bev_counters_captured(const char *type, const char *action);

/* How an alert is, as the dispatcher saw it last. */
typedef struct BevAlertState
{
	bool raised;
	TimestampTz since; /* if it is raised */
	double value;
	double threshold; /* 0: it is off */
} BevAlertState;

/* It is raised or cleared; and what was measured.  For the dispatcher. */
extern void bev_counters_set_alert(BevAlert alert, bool raised);
extern void bev_counters_measure_alert(BevAlert alert, double value, double threshold);

extern bool bev_counters_alert(BevAlert alert);
extern BevAlertState bev_counters_alert_state(BevAlert alert);

/* A row of the journal took the executor's way.  True: the log should say so; once an hour. */
extern bool bev_counters_slow_write(void);
extern uint64 bev_counters_slow_writes(void);

/* The dispatcher passed over what it would have had to wait for. */
extern void bev_counters_skip(void);
extern uint64 bev_counters_skips(void);

/* What the journal takes, and when its oldest row was published (0: it has none). */
extern void bev_counters_set_journal(uint64 bytes, TimestampTz oldest);
extern uint64 bev_counters_journal(TimestampTz *oldest);

/* How many attached tables decide nothing, a few seconds ago. */
/* How many consumers there are, and up to where all of them have read (consumers.h). */
extern void bev_counters_set_consumers(int count, uint64 slowest);
extern int bev_counters_consumers(uint64 *slowest);

extern void bev_counters_set_undecided(uint64 n);
extern uint64 bev_counters_undecided(void);

/* How old what a standby has is, in us, a second ago; 0 on a primary. */
extern void bev_counters_set_standby_lag(uint64 us);
extern uint64 bev_counters_standby_lag(void);

/* Its longest turn (us) of the last minute or two, and the most processor time in one. */
extern void bev_counters_set_longest_turn(uint64 us, uint64 cpu);
extern uint64 bev_counters_longest_turn(uint64 *cpu);

/* What an expression gave for an audience was none, or too large: only admins saw the event. */
extern void bev_counters_audience_refused(void);
extern uint64 bev_counters_audiences_refused(void);

/* A session had its share of send(). */
extern void bev_counters_send_refused(void);
extern uint64 bev_counters_sends_refused(void);

/* How many kinds of captured events are told apart, and one of them. */
extern int bev_counters_captures(void);
extern uint64 bev_counters_capture(int kind, const char **type, const char **action);

#endif /* BEV_SERVER_SHARED_COUNTERS_H */
