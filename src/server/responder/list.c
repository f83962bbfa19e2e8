/*
 * list.c - what a client's list is of.
 */
#include "server/responder/list.h"

#include "server/responder/history_list.h"
#include "server/responder/row_fetch.h"

void
bev_list_answer(const BevQuestionHead *head, const char *payload, BevAnswer *answer)
{
	Jsonb *json = bev_request_read(payload, answer);
	char *type;

	if (json == NULL)
		return;
	if (bev_request_text(json, "type", &type) && type && strcmp(type, "history") == 0)
		bev_history_list(head, json, answer);
	else
		bev_row_fetch_list(head, payload, answer);
}
