/*
 * delivery_channel.h - the channels that lead outside, as the settings have them.
 */
#ifndef BE_SERVER_BASE_DELIVERY_CHANNEL_H
#define BE_SERVER_BASE_DELIVERY_CHANNEL_H

#include "postgres.h"

#include "lib/stringinfo.h"

typedef enum BeChannelKind
{
	BE_CHANNEL_EMAIL,
	BE_CHANNEL_WHATSAPP,
	BE_CHANNEL_WEBHOOK,
	BE_CHANNELS
} BeChannelKind;

extern const char *be_channel_name(BeChannelKind kind);

/* The channel of that name; BE_CHANNELS: there is none. */
extern BeChannelKind be_channel_find(const char *name);

/* Is it configured? */
extern bool be_channel_is_on(BeChannelKind kind);
extern bool be_channel_is_any_on(void);

/* Is it for everybody who has no preference? */
extern bool be_channel_is_default(BeChannelKind kind);

/*
 * Append the carrier's config message (common/pipe/carrier_message.h), secrets included, with its end of
 * line.  Files that can't be read are reported, and their channel is off.
 */
extern void be_channel_write_config(StringInfo line);

#endif							/* BE_SERVER_BASE_DELIVERY_CHANNEL_H */
