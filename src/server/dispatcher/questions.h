/*
 * questions.h - questions to the database, on their way to the responders and back.
 */
#ifndef BEV_SERVER_DISPATCHER_QUESTIONS_H
#define BEV_SERVER_DISPATCHER_QUESTIONS_H

#include "postgres.h"

#include "common/event/event.h"
#include "common/pipe/message.h"

/* What the dispatcher knows of its gateways. */
typedef struct BevQuestionGateways
{
	/* Up to which seq it was sent the stream; 0: it takes nothing now. */
	uint64 (*sent)(int gateway);

	/* Send it the body of an ANSWER to a question of this verb. */
	void (*answer)(int gateway, uint32 verb, char *body, Size size);
} BevQuestionGateways;

/*
 * Queue a question of a gateway's client, to whom this was granted.  False: too many are queued
 * already.
 */
extern bool bev_questions_add(int gateway, const BevAskMessage *ask, BevSpan payload,
                              const BevGrant *grant, const char *projects);

/*
 * What became of one of the dispatcher's own: settled is what was drained when it was asked, rest
 * what the answer has behind its head.  Message is NULL when nobody could answer.
 */
typedef void (*BevOwnAnswer)(uint64 settled, const BevAnswerMessage *message, BevSpan rest);

/*
 * Queue one of the dispatcher's own (responder_queue.h has their verbs); answered may be NULL.
 * False: too many are queued already.
 */
extern bool bev_questions_add_own(uint32 verb, const char *payload, Size size,
                                  BevOwnAnswer answered);

/*
 * Have rows written to bugevents.security_events (server/responder/security_log.h); dropped if it
 * is busy.
 */
extern void bev_questions_security_log(const char *json, Size size);

/* Have an event of type alert published; dropped if it is busy. */
extern void bev_questions_alert(const char *action, const char *payload);

/*
 * Move them on: ask the responders, take what they answered, and hand over what may be.
 * settled is what is drained.  Doesn't wait (test/t/112_locks.pl); to be called outside of
 * transactions, each turn.
 */
extern void bev_questions_run(uint64 settled, const BevQuestionGateways *gateways);

/* In how many ms is one to be asked again?  -1: none is. */
extern long bev_questions_due_in(void);

/* How many are queued. */
extern int bev_questions_queued(void);

/* The gateway is gone, and nobody waits for its answers. */
extern void bev_questions_forget(int gateway);

#endif /* BEV_SERVER_DISPATCHER_QUESTIONS_H */
