/*
 * alert_event.h - the event that tells admins of an alert.
 */
#ifndef BEV_SERVER_RESPONDER_ALERT_EVENT_H
#define BEV_SERVER_RESPONDER_ALERT_EVENT_H

#include "postgres.h"

#include "server/responder/responder_queue.h"
#include "server/responder/request.h"

/*
 * Publish an event of type "alert" with the transaction; text is its action, a blank, and its
 * payload.  In a transaction that may write.
 */
extern void bev_alert_event_publish(const BevQuestionHead *head, const char *text,
                                    BevAnswer *answer);

#endif /* BEV_SERVER_RESPONDER_ALERT_EVENT_H */
