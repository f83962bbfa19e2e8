/*
 * metrics_answer.c - the metrics for who is an admin.
 *
 * Model: a token says so, but the tables have to say so too, and they are asked here.  Who asks
 * from this machine needs no token, and is answered by the dispatcher.
 */
#include "server/responder/metrics_answer.h"

#include "server/monitor/exposition.h"
#include "server/users/visibility.h"

void
bev_metrics_answer(const BevQuestionHead *head pg_attribute_unused(), const char *payload,
                   BevAnswer *answer)
{
	Jsonb *json = bev_request_read(payload, answer);
	char *user = json ? bev_request_id(json, "user_id", answer) : NULL;

	if (user == NULL)
		return;
	if (!bev_visibility_is_admin(user))
	{
		bev_answer_error(answer, "forbidden", "", "this is for admins");
		return;
	}
	answer->message.kind = BEV_ANSWER_TEXT;
	bev_exposition_write(&answer->rest);
}
