/*
 * outage.h - whether a channel gets anything out at all.
 */
#ifndef BEV_NOTIFY_COURIER_OUTAGE_H
#define BEV_NOTIFY_COURIER_OUTAGE_H

#include "postgres.h"

#include "server/base/delivery_channel.h"

/* The other end took a delivery, or refused it for good: it can be reached. */
extern void bev_outage_end(BevDeliveryChannel kind);

/* An attempt failed that may be repeated; error may be NULL. */
extern void bev_outage_note(BevDeliveryChannel kind, const char *error);

#endif /* BEV_NOTIFY_COURIER_OUTAGE_H */
