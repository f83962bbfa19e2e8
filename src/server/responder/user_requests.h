/*
 * user_requests.h - what users ask for themselves: their notifications, what they watch.
 *
 * Each is for the user who asks, and no other.  payload is the request's, a JSON object in UTF-8.
 * In a transaction with an active snapshot.  What is wrong with the request is in the
 * answer; other errors are thrown.
 */
#ifndef BE_SERVER_RESPONDER_USER_REQUESTS_H
#define BE_SERVER_RESPONDER_USER_REQUESTS_H

#include "postgres.h"

#include "server/responder/responder_queue.h"
#include "server/responder/request.h"

/* list {"unread", "limit", "after"}: the newest first. */
extern void be_personal_list(const BeQuestionHead *head, const char *payload, BeAnswer *answer);

/* read {"notification_id"}: {"read": did that change anything, "unread": how many are left}. */
extern void be_personal_read(const BeQuestionHead *head, const char *payload, BeAnswer *answer);

/* read_all {}: {"read": how many were not, "unread": 0}. */
extern void be_personal_read_all(const BeQuestionHead *head, const char *payload, BeAnswer *answer);

/* watch, unwatch {"bug_report_id"}: {"watching": true or false}.  A bug that the user may see. */
extern void be_personal_watch(const BeQuestionHead *head, const char *payload, BeAnswer *answer);
extern void be_personal_unwatch(const BeQuestionHead *head, const char *payload, BeAnswer *answer);

#endif							/* BE_SERVER_RESPONDER_USER_REQUESTS_H */
