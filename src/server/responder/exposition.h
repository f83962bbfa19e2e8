/*
 * exposition.h - the metrics as text, as Prometheus reads them.
 */
#ifndef BE_SERVER_RESPONDER_EXPOSITION_H
#define BE_SERVER_RESPONDER_EXPOSITION_H

#include "postgres.h"

#include "server/responder/responder_queue.h"
#include "server/responder/request.h"

/* Prometheus' text format 0.0.4.  In a transaction with an active snapshot. */
extern void be_exposition_write(const BeQuestionHead *head, const char *payload, BeAnswer *answer);

#endif							/* BE_SERVER_RESPONDER_EXPOSITION_H */
