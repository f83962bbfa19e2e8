/*
 * list.h - what a client's list is of.
 */
#ifndef BEV_SERVER_RESPONDER_LIST_H
#define BEV_SERVER_RESPONDER_LIST_H

#include "postgres.h"

#include "server/responder/request.h"
#include "server/responder/responder_queue.h"

/* list {"type", ...}: of rows (row_fetch.h), or the history of one (history_list.h). */
extern void bev_list_answer(const BevQuestionHead *head, const char *payload, BevAnswer *answer);

#endif /* BEV_SERVER_RESPONDER_LIST_H */
