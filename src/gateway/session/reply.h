/*
 * reply.h - the messages that are for one client: ready, expiring, error, reply.
 *
 * Each is appended to client->out as a frame; bev_client_flush sends them.
 */
#ifndef BEV_GATEWAY_SESSION_REPLY_H
#define BEV_GATEWAY_SESSION_REPLY_H

#include "gateway/client/client.h"

/* id is JSON text to echo, or NULL. */
extern void bev_reply_error(BevClient *client, const char *id, const char *code,
                            const char *message);

/* As an error, with more members of the payload: ",\"field\":..." */
extern void bev_reply_error_with(BevClient *client, const char *id, const char *code,
                                 const char *message, const char *more);

/* Too much for now; again in wait seconds. */
extern void bev_reply_rate_limited(BevClient *client, const char *id, double wait,
                                   const char *message);

/* payload is a JSON object. */
extern void bev_reply_ok(BevClient *client, const char *id, const char *payload);

/* The same, with the seq that what is told is not older than. */
extern void bev_reply_as_of(BevClient *client, const char *id, uint64_t seq, const char *payload);

/* seq: every event after it follows. */
extern void bev_reply_ready(BevClient *client, uint64_t seq, bool resumed);

/* Its position, to come back to. */
extern void bev_reply_too_far_behind(BevClient *client);

/* Its token ends in so many seconds. */
extern void bev_reply_expiring(BevClient *client, int64_t seconds);

/* What was missed can't be had: the oldest seq still held, and the tip. */
extern void bev_reply_resync(BevClient *client);

#endif /* BEV_GATEWAY_SESSION_REPLY_H */
