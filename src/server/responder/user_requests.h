/*
 * user_requests.h - what users ask for themselves: their notifications, what they watch.
 *
 * Each is for the user who asks, and no other.  payload is the request's, a JSON object in UTF-8.
 * In a transaction with an active snapshot.  What is wrong with the request is in the
 * answer; other errors are thrown.
 */
#ifndef BEV_SERVER_RESPONDER_USER_REQUESTS_H
#define BEV_SERVER_RESPONDER_USER_REQUESTS_H

#include "postgres.h"

#include "server/responder/responder_queue.h"
#include "server/responder/request.h"

/* list {"unread", "limit", "after"}: the newest first. */
extern void bev_user_requests_list(const BevQuestionHead *head, const char *payload,
                                   BevAnswer *answer);

/* read {"notification_id"}: {"read": did that change anything, "unread": how many are left}. */
extern void bev_user_requests_read(const BevQuestionHead *head, const char *payload,
                                   BevAnswer *answer);

/* read_all {}: {"read": how many were not, "unread": 0}. */
extern void bev_user_requests_read_all(const BevQuestionHead *head, const char *payload,
                                       BevAnswer *answer);

/* watch, unwatch {"bug_report_id"}: {"watching": true or false}.  A bug that the user may see. */
extern void bev_user_requests_watch(const BevQuestionHead *head, const char *payload,
                                    BevAnswer *answer);
extern void bev_user_requests_unwatch(const BevQuestionHead *head, const char *payload,
                                      BevAnswer *answer);

/*
 * unsubscribe {"token"}, of whoever has a mail: {"done": is it the token of anybody's mails}.  The
 * token alone says who it is and what is meant (bugevents.unsubscribe()).
 */
extern void bev_user_requests_unsubscribe(const BevQuestionHead *head, const char *payload,
                                          BevAnswer *answer);

#endif /* BEV_SERVER_RESPONDER_USER_REQUESTS_H */
