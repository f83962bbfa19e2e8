/*
 * counters.h - counters in shared memory, for the metrics.
 *
 * They live as long as the server.  What gateways count (common/pipe/counter.h) is added by
 * the dispatcher; what sessions capture, by each session in a place of its own.
 */
#ifndef BE_SERVER_SHARED_COUNTERS_H
#define BE_SERVER_SHARED_COUNTERS_H

#include "postgres.h"

#include "common/pipe/alert_rules.h"
#include "common/pipe/counter.h"

extern void be_counters_request(void);
extern void be_counters_startup(void);

extern void be_counters_add(BeCounter counter, uint64 n);
extern uint64 be_counters_get(BeCounter counter);

/* A trigger captured an event; type and action as they are in it. */
extern void be_counters_captured(const char *type, const char *action);

/* Is an alert raised?  Set by the dispatcher. */
extern void be_counters_set_alert(BeAlert alert, bool raised);
extern bool be_counters_alert(BeAlert alert);

/* How many kinds of captured events are told apart, and one of them. */
extern int	be_counters_captures(void);
extern uint64 be_counters_capture(int kind, const char **type, const char **action);

#endif							/* BE_SERVER_SHARED_COUNTERS_H */
