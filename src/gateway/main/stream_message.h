/*
 * stream_message.h - takes in what the dispatcher says of the stream.
 *
 * Each returns false when the message is malformed.
 */
#ifndef BEV_GATEWAY_MAIN_STREAM_MESSAGE_H
#define BEV_GATEWAY_MAIN_STREAM_MESSAGE_H

#include "gateway/session/access_update.h"

/* STREAM: which stream, from where. */
extern bool bev_stream_message_begin(BevAccessUpdates *updates, const BevMessage *message);

/* EVENTS: into the window, or the replay that asked for them. */
extern bool bev_stream_message_events(BevAccessUpdates *updates, const BevMessage *message);

/* PROGRESS: nothing more up to a seq. */
extern bool bev_stream_message_progress(BevFanout *fanout, const BevMessage *message);

/* FETCHED: the end of a replay's answer. */
extern bool bev_stream_message_scope(BevFanout *fanout, const BevMessage *message);
extern bool bev_stream_message_fetched(BevFanout *fanout, const BevMessage *message);

#endif /* BEV_GATEWAY_MAIN_STREAM_MESSAGE_H */
