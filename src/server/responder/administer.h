/*
 * administer.h - what admins ask for: who is connected, and to end a connection.
 *
 * Others get forbidden.  Else as user_requests.h.
 */
#ifndef BEV_SERVER_RESPONDER_ADMINISTER_H
#define BEV_SERVER_RESPONDER_ADMINISTER_H

#include "postgres.h"

#include "server/responder/responder_queue.h"
#include "server/responder/request.h"

/* connections {"limit"}: {"items": rows of bugevents.connections, those behind first}. */
extern void bev_administer_connections(const BevQuestionHead *head, const char *payload,
                                       BevAnswer *answer);

/* disconnect {"connection_id"}: {"disconnected": true}, or not_found. */
extern void bev_administer_disconnect(const BevQuestionHead *head, const char *payload,
                                      BevAnswer *answer);

/*
 * inspect {"parts", "limit", "since"}: an object with each part that was named: "metrics", "alerts",
 * "attachments", "connections" (limit of them), "samples" (those behind since).
 */
extern void bev_administer_inspect(const BevQuestionHead *head, const char *payload,
                                   BevAnswer *answer);

/* explain {"seq", "user_id"}: {"items": rows of bugevents.explain_delivery()}. */
extern void bev_administer_explain(const BevQuestionHead *head, const char *payload,
                                   BevAnswer *answer);

/* visible {"user_id", "seqs"}: {"items": rows of bugevents.explain_visibility()}. */
extern void bev_administer_visible(const BevQuestionHead *head, const char *payload,
                                   BevAnswer *answer);

#endif /* BEV_SERVER_RESPONDER_ADMINISTER_H */
