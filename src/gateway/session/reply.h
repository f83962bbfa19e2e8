/*
 * reply.h - the messages that are for one client: ready, expiring, error, reply.
 *
 * Each is appended to client->out as a frame; be_client_flush sends them.
 */
#ifndef BE_GATEWAY_SESSION_REPLY_H
#define BE_GATEWAY_SESSION_REPLY_H

#include "gateway/client/client.h"

/* id is JSON text to echo, or NULL. */
extern void be_reply_error(BeClient *client, const char *id, const char *code,
						   const char *message);

/* As an error, with more members of the payload: ",\"field\":..." */
extern void be_reply_error_with(BeClient *client, const char *id,
								const char *code, const char *message,
								const char *more);

/* Too much for now; again in wait seconds. */
extern void be_reply_rate_limited(BeClient *client, const char *id, double wait,
								  const char *message);

/* payload is a JSON object. */
extern void be_reply_ok(BeClient *client, const char *id, const char *payload);

/* The same, with the seq that what is told is not older than. */
extern void be_reply_as_of(BeClient *client, const char *id, uint64_t seq,
						   const char *payload);

/* seq: every event after it follows. */
extern void be_reply_ready(BeClient *client, uint64_t seq, bool resumed);

/* Its position, to come back to. */
extern void be_reply_too_far_behind(BeClient *client);

/* Its token ends in so many seconds. */
extern void be_reply_expiring(BeClient *client, int64_t seconds);

/* What was missed can't be had: the oldest seq still held, and the tip. */
extern void be_reply_resync(BeClient *client);

#endif							/* BE_GATEWAY_SESSION_REPLY_H */
