/*
 * question.h - what a client asks of the database.
 */
#ifndef BEV_GATEWAY_SESSION_QUESTION_H
#define BEV_GATEWAY_SESSION_QUESTION_H

#include "gateway/client/client.h"
#include "common/pipe/message.h"

/*
 * Pass a request on.  id is JSON text to be echoed, or NULL; payload is a JSON
 * object as text.  Too many open questions and too long ones are answered at once.
 */
extern void bev_question_ask(BevClient *client, const char *id, BevVerb verb, const char *payload);

/* Ask for the metrics, for an HTTP request that waits. */
extern void bev_question_metrics(BevClient *client);

/* ANSWER came.  False: it is malformed, or answers nothing. */
extern bool bev_question_answered(BevGateway *gateway, const BevMessage *message);

/* The client goes: nobody waits for its answers any more. */
extern void bev_question_forget(BevClient *client);

extern void bev_question_free(BevGateway *gateway);

#endif /* BEV_GATEWAY_SESSION_QUESTION_H */
