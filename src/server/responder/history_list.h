/*
 * history_list.h - the history of a row, for a client.
 */
#ifndef BEV_SERVER_RESPONDER_HISTORY_LIST_H
#define BEV_SERVER_RESPONDER_HISTORY_LIST_H

#include "postgres.h"

#include "server/responder/request.h"
#include "server/responder/responder_queue.h"

/*
 * list {"type": "history", "entity", "id", "after", "limit"}: who changed what of that row when, the
 * newest first, as far as the asker could see it then.  Like bev_row_fetch_list.
 */
extern void bev_history_list(const BevQuestionHead *head, Jsonb *json, BevAnswer *answer);

#endif /* BEV_SERVER_RESPONDER_HISTORY_LIST_H */
