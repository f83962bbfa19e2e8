/*
 * stream.h - takes in what the dispatcher says of the stream.
 *
 * Each returns false when the message is malformed.
 */
#ifndef BE_GATEWAY_MAIN_STREAM_H
#define BE_GATEWAY_MAIN_STREAM_H

#include "gateway/main/gateway.h"

/* STREAM: which stream, from where. */
extern bool be_stream_begin(BeGateway *gateway, const BeMessage *message);

/* EVENTS: into the window, or the replay that asked for them. */
extern bool be_stream_events(BeGateway *gateway, const BeMessage *message);

/* PROGRESS: nothing more up to a seq. */
extern bool be_stream_progress(BeGateway *gateway, const BeMessage *message);

/* FETCHED: the end of a replay's answer. */
extern bool be_stream_fetched(BeGateway *gateway, const BeMessage *message);

/* What the replay asks of us. */
extern const BeReplayEvents be_stream_replay_events;

#endif							/* BE_GATEWAY_MAIN_STREAM_H */
