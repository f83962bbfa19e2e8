/*
 * since_answer.c - from which seq on the stream was committed at a moment or later.
 *
 * Not here: how it is found (journal/journal_time.c).
 */
#include "server/responder/since_answer.h"

#include "server/base/unix_time.h"
#include "server/journal/journal.h"
#include "server/journal/journal_time.h"

void
bev_since_answer(const BevQuestionHead *head pg_attribute_unused(), const char *payload,
                 BevAnswer *answer)
{
	Jsonb *json = bev_request_read(payload, answer);
	char *at;

	if (json == NULL)
		return;
	if (!bev_request_text(json, "at", &at) || at == NULL)
	{
		bev_answer_error(answer, "invalid_field", "since_time", "expected a moment");
		return;
	}
	answer->message.kind = BEV_ANSWER_OBJECT;
	appendStringInfo(&answer->rest, "{\"seq\":" UINT64_FORMAT "}",
	                 OidIsValid(bev_journal_table(BEV_TABLE_SEGMENT)) ?
	                     bev_journal_seq_at(BEV_FROM_UNIX_TIME(strtoll(at, NULL, 10))) :
	                     0);
}
