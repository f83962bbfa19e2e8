/*
 * alert.h - the event that tells admins of an alert.
 */
#ifndef BE_ALERT_H
#define BE_ALERT_H

#include "postgres.h"

#include "responder/question.h"
#include "responder/request.h"

/*
 * Publish an event of type "alert" with the transaction; text is its action, a blank, and its
 * payload.  In a transaction that may write.
 */
extern void be_alert_publish(const BeQuestionHead *head, const char *text, BeAnswer *answer);

#endif							/* BE_ALERT_H */
