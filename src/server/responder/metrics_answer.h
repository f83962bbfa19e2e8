/*
 * metrics_answer.h - the metrics for who is an admin.
 */
#ifndef BEV_SERVER_RESPONDER_METRICS_ANSWER_H
#define BEV_SERVER_RESPONDER_METRICS_ANSWER_H

#include "postgres.h"

#include "server/responder/request.h"
#include "server/responder/responder_queue.h"

/* For who asks, if that is an admin.  Wants a transaction with an active snapshot. */
extern void bev_metrics_answer(const BevQuestionHead *head, const char *payload, BevAnswer *answer);

#endif /* BEV_SERVER_RESPONDER_METRICS_ANSWER_H */
