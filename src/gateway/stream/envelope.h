/*
 * envelope.h - an event as the clients receive it: JSON in a WebSocket frame.
 */
#ifndef BE_GATEWAY_STREAM_ENVELOPE_H
#define BE_GATEWAY_STREAM_ENVELOPE_H

#include "common/event/event.h"
#include "common/pipe/message.h"
#include "common/program/text.h"

/* About how long the frame (or both) of an event will be; never less. */
extern size_t be_envelope_estimate(const BeEvent *event);

/* Append the frame of event number n of a message, for admins or for others. */
extern void be_envelope_add(BeText *text, const BeEventsMessage *message,
							uint32_t n, const BeEvent *event, bool for_admin);

#endif							/* BE_GATEWAY_STREAM_ENVELOPE_H */
