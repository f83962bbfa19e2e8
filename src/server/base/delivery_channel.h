/*
 * delivery_channel.h - the channels that lead outside, as the settings have them.
 */
#ifndef BEV_SERVER_BASE_DELIVERY_CHANNEL_H
#define BEV_SERVER_BASE_DELIVERY_CHANNEL_H

#include "postgres.h"

#include "lib/stringinfo.h"

typedef enum BevDeliveryChannel
{
	BEV_CHANNEL_EMAIL,
	BEV_CHANNEL_WHATSAPP,
	BEV_CHANNEL_WEBHOOK,
	BEV_CHANNELS
} BevDeliveryChannel;

extern const char *bev_delivery_channel_name(BevDeliveryChannel kind);

/* The channel of that name; BEV_CHANNELS: there is none. */
extern BevDeliveryChannel bev_delivery_channel_find(const char *name);

/* Is it configured? */
extern bool bev_delivery_channel_is_on(BevDeliveryChannel kind);
extern bool bev_delivery_channel_is_any_on(void);

/* Is it for everybody who has no preference? */
extern bool bev_delivery_channel_is_default(BevDeliveryChannel kind);

/*
 * Append the carrier's config message (common/pipe/carrier_message.h), secrets included, with its
 * end of line.  Files that can't be read are reported, and their channel is off.
 */
extern void bev_delivery_channel_write_config(StringInfo line);

#endif /* BEV_SERVER_BASE_DELIVERY_CHANNEL_H */
