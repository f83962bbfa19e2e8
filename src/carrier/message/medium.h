/*
 * medium.h - the channels that a delivery can go by.
 *
 * Pure C.
 */
#ifndef BE_CARRIER_MESSAGE_MEDIUM_H
#define BE_CARRIER_MESSAGE_MEDIUM_H

typedef enum BeMedium
{
	BE_EMAIL,
	BE_WHATSAPP,
	BE_WEBHOOK,
	BE_MEDIA
} BeMedium;

/* As the courier says it. */
extern const char *const be_medium_names[BE_MEDIA];

#endif							/* BE_CARRIER_MESSAGE_MEDIUM_H */
