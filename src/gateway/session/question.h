/*
 * question.h - what a client asks of the database.
 */
#ifndef BE_GATEWAY_SESSION_QUESTION_H
#define BE_GATEWAY_SESSION_QUESTION_H

#include "gateway/client/client.h"
#include "common/pipe/message.h"

/*
 * Pass a request on.  id is JSON text to be echoed, or NULL; payload is a JSON
 * object as text.  Too many open questions and too long ones are answered at once.
 */
extern void be_question_ask(BeClient *client, const char *id, BeVerb verb,
							const char *payload);

/* Ask for the metrics, for an HTTP request that waits. */
extern void be_question_metrics(BeClient *client);

/* ANSWER came.  False: it is malformed, or answers nothing. */
extern bool be_question_answered(BeGateway *gateway, const BeMessage *message);

/* The client goes: nobody waits for its answers any more. */
extern void be_question_forget(BeClient *client);

extern void be_question_free(BeGateway *gateway);

#endif							/* BE_GATEWAY_SESSION_QUESTION_H */
