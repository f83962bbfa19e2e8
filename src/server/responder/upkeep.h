/*
 * upkeep.h - what the dispatcher has done for it: history that is dropped, gateways' configuration.
 */
#ifndef BEV_SERVER_RESPONDER_UPKEEP_H
#define BEV_SERVER_RESPONDER_UPKEEP_H

#include "postgres.h"

#include "server/responder/request.h"
#include "server/responder/responder_queue.h"

/* Keep the journal within its bounds; the payload is the seq behind which history is needed. */
extern void bev_upkeep_retention(const BevQuestionHead *head, const char *payload,
                                 BevAnswer *answer);

/* The body of a CONFIG, by the configuration files as they are now. */
extern void bev_upkeep_config(const BevQuestionHead *head, const char *payload, BevAnswer *answer);

#endif /* BEV_SERVER_RESPONDER_UPKEEP_H */
