/*
 * reply.h - the messages that are for one client: ready, expiring, error, reply.
 *
 * Each is appended to session->out as a frame; bev_session_flush sends them.
 */
#ifndef BEV_GATEWAY_SESSION_REPLY_H
#define BEV_GATEWAY_SESSION_REPLY_H

#include "gateway/config/config.h"
#include "gateway/session/session.h"

/* id is JSON text to echo, or NULL. */
extern void bev_reply_error(BevSession *session, const char *id, const char *code,
                            const char *message);

/* As an error, with more members of the payload: ",\"field\":..." */
extern void bev_reply_error_with(BevSession *session, const char *id, const char *code,
                                 const char *message, const char *more);

/* Too much for now; again in wait seconds. */
extern void bev_reply_rate_limited(BevSession *session, const char *id, double wait,
                                   const char *message);

/* payload is a JSON object. */
extern void bev_reply_ok(BevSession *session, const char *id, const char *payload);

/* The same, with the seq that what is told is not older than. */
extern void bev_reply_as_of(BevSession *session, const char *id, uint64_t seq, const char *payload);

/* seq: every event of this stream after it follows. */
extern void bev_reply_ready(BevSession *session, const BevConfig *config, const char *stream,
                            uint64_t seq, bool resumed);

/* The stream is called so from here on, and the session has it up to seq. */
extern void bev_reply_stream(BevSession *session, const char *stream, uint64_t seq);

/* Its position in this stream, to come back to. */
extern void bev_reply_too_far_behind(BevSession *session, const char *stream);

/* Its token ends in so many seconds. */
extern void bev_reply_expiring(BevSession *session, int64_t seconds);

/* What was missed can't be had: the oldest seq still held, and the tip. */
extern void bev_reply_resync(BevSession *session, const char *stream, uint64_t oldest,
                             uint64_t tip);

/* An error message, and then the end of the session; does nothing when it is ending already. */
extern void bev_reply_refuse(BevSession *session, int code, const char *error, const char *message);

#endif /* BEV_GATEWAY_SESSION_REPLY_H */
