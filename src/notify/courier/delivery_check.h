/*
 * delivery_check.h - may a delivery still be sent, as things are now, and where to?
 */
#ifndef BEV_NOTIFY_COURIER_DELIVERY_CHECK_H
#define BEV_NOTIFY_COURIER_DELIVERY_CHECK_H

#include "postgres.h"

#include "server/base/delivery_channel.h"

typedef enum BevDeliveryFate
{
	BEV_DELIVERY_GOES,
	BEV_DELIVERY_IS_SKIPPED,
	BEV_DELIVERY_WAITS /* it can't be said now */
} BevDeliveryFate;

/*
 * Look at the delivery, whose row is written to if the address is another one now.  *why (palloc'd)
 * says why it doesn't go.  What the look at rows costs is limited by bugevents.derive_timeout.
 * Wants a transaction, and SPI to be connected.
 */
extern BevDeliveryFate bev_delivery_check(BevDeliveryChannel kind, int64 id, const char **why);

#endif /* BEV_NOTIFY_COURIER_DELIVERY_CHECK_H */
