/*
 * envelope.h - an event as the clients receive it: JSON in a WebSocket frame.
 */
#ifndef BEV_GATEWAY_STREAM_ENVELOPE_H
#define BEV_GATEWAY_STREAM_ENVELOPE_H

#include "common/event/event.h"
#include "common/pipe/message.h"
#include "common/program/text.h"

/* An upper bound, not far above it, of the frame's (or both frames') length (frame_test.c). */
extern size_t bev_envelope_estimate(const BevEvent *event);

/* Append the frame of event number n of a message, for admins or for others. */
extern void bev_envelope_add(BevText *text, const BevEventsMessage *message, uint32_t n,
                             const BevEvent *event, bool for_admin);

#endif /* BEV_GATEWAY_STREAM_ENVELOPE_H */
