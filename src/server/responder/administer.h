/*
 * administer.h - what admins ask for: who is connected, and to end a connection.
 *
 * Others get forbidden.  Else as user_requests.h.
 */
#ifndef BE_SERVER_RESPONDER_ADMINISTER_H
#define BE_SERVER_RESPONDER_ADMINISTER_H

#include "postgres.h"

#include "server/responder/responder_queue.h"
#include "server/responder/request.h"

/* connections {"limit"}: {"items": rows of bugevents.connections, those behind first}. */
extern void be_administer_connections(const BeQuestionHead *head, const char *payload, BeAnswer *answer);

/* disconnect {"connection_id"}: {"disconnected": true}, or not_found. */
extern void be_administer_disconnect(const BeQuestionHead *head, const char *payload, BeAnswer *answer);

#endif							/* BE_SERVER_RESPONDER_ADMINISTER_H */
