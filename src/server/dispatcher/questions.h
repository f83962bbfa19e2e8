/*
 * questions.h - clients' questions to the database, on their way to the responder
 * and back.
 */
#ifndef BEV_SERVER_DISPATCHER_QUESTIONS_H
#define BEV_SERVER_DISPATCHER_QUESTIONS_H

#include "postgres.h"

#include "common/event/event.h"
#include "common/pipe/message.h"

/* Sends the body of an ANSWER to a gateway. */
typedef void (*BevAnswerSink)(int gateway, char *body, Size size);

/*
 * Queue a question of a gateway's client, whose name and role are these.  False: too many
 * are queued already.
 */
extern bool bev_questions_add(int gateway, const BevAskMessage *ask, BevSpan payload,
                              const char *user, const char *role);

/*
 * Have rows written to bugevents.security_events (server/responder/security_log.h); dropped if it
 * is busy.
 */
extern void bev_questions_security_log(const char *json, Size size);

/* Have an event of type alert published; dropped if it is busy. */
extern void bev_questions_alert(const char *action, const char *payload);

/*
 * Move them on: ask the responder, take what it answered, and hand over what may be:
 * sent() tells up to which seq a gateway was sent the stream.  settled is what
 * is drained.  Never waits; to be called outside of transactions, each turn.
 */
extern void bev_questions_run(uint64 settled, uint64 (*sent)(int gateway), BevAnswerSink sink);

/* The gateway is gone, and nobody waits for its answers. */
extern void bev_questions_forget(int gateway);

#endif /* BEV_SERVER_DISPATCHER_QUESTIONS_H */
