/*
 * since_answer.h - from which seq on the stream was committed at a moment or later.
 */
#ifndef BEV_SERVER_RESPONDER_SINCE_ANSWER_H
#define BEV_SERVER_RESPONDER_SINCE_ANSWER_H

#include "server/responder/request.h"
#include "server/responder/responder_queue.h"

/* SINCE: the payload's "at" is microseconds since 1970.  The answer's "seq" is the position. */
extern void bev_since_answer(const BevQuestionHead *head, const char *payload, BevAnswer *answer);

#endif /* BEV_SERVER_RESPONDER_SINCE_ANSWER_H */
