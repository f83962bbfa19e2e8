/*
 * delivery_counters.h - how often a channel's deliveries ended how, for the metrics.
 */
#ifndef BE_SERVER_SHARED_DELIVERY_COUNTERS_H
#define BE_SERVER_SHARED_DELIVERY_COUNTERS_H

#include "postgres.h"

#include "server/base/delivery_channel.h"

extern void be_deliveries_request(void);
extern void be_deliveries_startup(void);

/* An attempt ended; the state that the delivery has then. */
extern void be_deliveries_count(BeChannelKind kind, const char *state);

/* How many results are told apart, and one of them: retry is an attempt that will be repeated. */
extern int	be_deliveries_results(void);
extern uint64 be_deliveries_get(BeChannelKind kind, int result, const char **name);

#endif							/* BE_SERVER_SHARED_DELIVERY_COUNTERS_H */
