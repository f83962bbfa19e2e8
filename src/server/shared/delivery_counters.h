/*
 * delivery_counters.h - how often a channel's deliveries ended how, for the metrics.
 */
#ifndef BEV_SERVER_SHARED_DELIVERY_COUNTERS_H
#define BEV_SERVER_SHARED_DELIVERY_COUNTERS_H

#include "postgres.h"

#include "server/base/shared_area.h"
#include "server/base/delivery_channel.h"

extern const BevSharedArea bev_delivery_counters_area;

/* An attempt ended; the state that the delivery has then. */
extern void bev_delivery_counters_count(BevDeliveryChannel kind, const char *state);

/* How many results are told apart, and one of them: retry is an attempt that will be repeated. */
extern int bev_delivery_counters_results(void);
extern uint64 bev_delivery_counters_get(BevDeliveryChannel kind, int result, const char **name);

#endif /* BEV_SERVER_SHARED_DELIVERY_COUNTERS_H */
