/*
 * medium.h - the channels that a delivery can go by.
 *
 * Pure C.
 */
#ifndef BEV_CARRIER_MESSAGE_MEDIUM_H
#define BEV_CARRIER_MESSAGE_MEDIUM_H

typedef enum BevMedium
{
	BEV_EMAIL,
	BEV_WHATSAPP,
	BEV_WEBHOOK,
	BEV_MEDIA
} BevMedium;

/* As the courier says it. */
extern const char *const bev_medium_names[BEV_MEDIA];

#endif /* BEV_CARRIER_MESSAGE_MEDIUM_H */
