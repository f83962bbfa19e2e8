/*
 * delivery_counters.h - how a channel's deliveries go, for metrics and alerts.
 */
#ifndef BEV_SERVER_SHARED_DELIVERY_COUNTERS_H
#define BEV_SERVER_SHARED_DELIVERY_COUNTERS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "server/base/delivery_channel.h"
#include "server/base/shared_area.h"

typedef enum BevDeliveryGauge
{
	BEV_DELIVERY_WAITING,
	BEV_DELIVERY_DEAD,
	BEV_DELIVERY_GAUGES
} BevDeliveryGauge;

extern const BevSharedArea bev_delivery_counters_area;

/* An attempt ended; the state that the delivery has then. */
extern void bev_delivery_counters_count(BevDeliveryChannel kind, const char *state);

/* How many results are told apart, and one of them: retry is an attempt that will be repeated. */
extern int bev_delivery_counters_results(void);
extern uint64 bev_delivery_counters_get(BevDeliveryChannel kind, int result, const char **name);

/* How many rows there are, as the courier counted them last. */
extern void bev_delivery_counters_set_rows(BevDeliveryChannel kind, BevDeliveryGauge gauge,
                                           uint64 rows);
extern uint64 bev_delivery_counters_rows(BevDeliveryChannel kind, BevDeliveryGauge gauge);

/* Since when nothing gets out by the channel; 0: it does. */
extern void bev_delivery_counters_set_failing(BevDeliveryChannel kind, TimestampTz since);
extern TimestampTz bev_delivery_counters_failing_since(BevDeliveryChannel kind);

/* Is this database a copy of the one that sends, so that nothing is sent? */
extern void bev_delivery_counters_set_copied(bool copied);
extern bool bev_delivery_counters_copied(void);

/* For how many seconds; 0 of one that is not configured. */
extern double bev_delivery_counters_outage(BevDeliveryChannel kind);

#endif /* BEV_SERVER_SHARED_DELIVERY_COUNTERS_H */
