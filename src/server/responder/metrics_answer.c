/*
 * metrics_answer.c - the metrics for who is an admin.
 *
 * Model: a token says so, but the tables have to say so too, and they are asked here (asker.c).
 * Who asks from this machine needs no token, and is answered by the dispatcher.
 */
#include "server/responder/metrics_answer.h"

#include "server/monitor/exposition.h"
#include "server/responder/asker.h"

void
bev_metrics_answer(const BevQuestionHead *head, const char *payload pg_attribute_unused(),
                   BevAnswer *answer)
{
	if (!bev_asker_is_admin(head, answer))
		return;
	answer->message.kind = BEV_ANSWER_TEXT;
	bev_exposition_write(&answer->rest);
}
