/*
 * envelope.h - an event as the clients receive it: JSON in a WebSocket frame.
 */
#ifndef BE_ENVELOPE_H
#define BE_ENVELOPE_H

#include "event/event.h"
#include "pipe/message.h"
#include "text.h"

/* About how long the frame (or both) of an event will be; never less. */
extern size_t be_envelope_estimate(const BeEvent *event);

/* Append the frame of event number n of a message, for admins or for others. */
extern void be_envelope_add(BeText *text, const BeEventsMessage *message,
							uint32_t n, const BeEvent *event, bool for_admin);

#endif							/* BE_ENVELOPE_H */
