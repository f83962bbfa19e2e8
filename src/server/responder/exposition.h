/*
 * exposition.h - the metrics as text, as Prometheus reads them.
 */
#ifndef BEV_SERVER_RESPONDER_EXPOSITION_H
#define BEV_SERVER_RESPONDER_EXPOSITION_H

#include "postgres.h"

#include "server/responder/responder_queue.h"
#include "server/responder/request.h"

/* Prometheus' text format 0.0.4.  In a transaction with an active snapshot. */
extern void bev_exposition_write(const BevQuestionHead *head, const char *payload,
                                 BevAnswer *answer);

#endif /* BEV_SERVER_RESPONDER_EXPOSITION_H */
