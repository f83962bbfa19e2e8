/*
 * stream.h - takes in what the dispatcher says of the stream.
 *
 * Each returns false when the message is malformed.
 */
#ifndef BEV_GATEWAY_MAIN_STREAM_H
#define BEV_GATEWAY_MAIN_STREAM_H

#include "gateway/main/gateway.h"

/* STREAM: which stream, from where. */
extern bool bev_stream_begin(BevGateway *gateway, const BevMessage *message);

/* EVENTS: into the window, or the replay that asked for them. */
extern bool bev_stream_events(BevGateway *gateway, const BevMessage *message);

/* PROGRESS: nothing more up to a seq. */
extern bool bev_stream_progress(BevGateway *gateway, const BevMessage *message);

/* FETCHED: the end of a replay's answer. */
extern bool bev_stream_fetched(BevGateway *gateway, const BevMessage *message);

/* What the replay asks of us. */
extern const BevReplayEvents bev_stream_replay_events;

#endif /* BEV_GATEWAY_MAIN_STREAM_H */
