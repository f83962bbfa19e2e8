/*
 * alert_event.h - the event that tells admins of an alert.
 */
#ifndef BE_SERVER_RESPONDER_ALERT_EVENT_H
#define BE_SERVER_RESPONDER_ALERT_EVENT_H

#include "postgres.h"

#include "server/responder/responder_queue.h"
#include "server/responder/request.h"

/*
 * Publish an event of type "alert" with the transaction; text is its action, a blank, and its
 * payload.  In a transaction that may write.
 */
extern void be_alert_publish(const BeQuestionHead *head, const char *text, BeAnswer *answer);

#endif							/* BE_SERVER_RESPONDER_ALERT_EVENT_H */
