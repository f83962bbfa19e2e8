/*
 * security_log.h - the rows of bugevents.security_events.
 */
#ifndef BEV_SERVER_RESPONDER_SECURITY_LOG_H
#define BEV_SERVER_RESPONDER_SECURITY_LOG_H

#include "postgres.h"

#include "server/responder/responder_queue.h"
#include "server/responder/request.h"

/*
 * Insert what a JSON array of objects says (kind, address, gateway, times), and delete what is
 * above bugevents.security_event_rows.  In a transaction with an active snapshot.
 */
extern void bev_security_log_write(const BevQuestionHead *head, const char *json,
                                   BevAnswer *answer);

#endif /* BEV_SERVER_RESPONDER_SECURITY_LOG_H */
