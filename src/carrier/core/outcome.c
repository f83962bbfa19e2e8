/*
 * outcome.c - what became of an attempt.
 */
#include "carrier/core/outcome.h"
#include "common/text/utf8.h"
#include "carrier/http/whatsapp.h"

#include <stdio.h>
#include <string.h>

void
be_outcome_set(BeOutcome *outcome, BeResult result, const char *error)
{
	*outcome = (BeOutcome) {.result = result,.retry_after = -1};
	be_clean(outcome->error, sizeof(outcome->error), error, strlen(error));
}

/* A server that wants a login, or doesn't take ours; RFC 4954, section 6. */
static bool
is_about_login(int status)
{
	return status == 530 || status == 534 || status == 535 || status == 538;
}

static void
judge_mail(BeOutcome *outcome, const BeAttempt *attempt, const BeAnswer *answer,
		   char *text, size_t size)
{
	if (attempt->done)
	{
		outcome->result = BE_SENT;
		outcome->code = answer->status;
	}
	else if (answer->status >= 400)
	{
		bool		about_mail = answer->asked && !is_about_login(answer->status);

		outcome->result = about_mail && answer->status >= 500 ? BE_REFUSED : BE_RETRY;
		outcome->code = answer->status;
		snprintf(text, size, "%s%.*s", about_mail ? "" : "connection or login refused: ",
				 (int) answer->len, answer->text);
	}
	else
		/* 354: it took the mail, or a part of it, and then said nothing. */
		outcome->uncertain = answer->asked && answer->status == 354;
}

static BeResult
judge_status(BeMedium medium, int status)
{
	if (status < 300)
		return BE_SENT;
	if (medium == BE_WEBHOOK)
		return status == 410 ? BE_REFUSED : BE_RETRY;
	return status >= 400 && status < 500 && status != 401 && status != 408 && status != 425 &&
		status != 429 ? BE_REFUSED : BE_RETRY;
}

static void
judge_http(BeOutcome *outcome, const BeAttempt *attempt, const BeAnswer *answer,
		   char *text, size_t size)
{
	int			n;

	/* A status is an answer, whatever became of the body behind it. */
	if (answer->status == 0)
	{
		outcome->uncertain = answer->asked;
		return;
	}
	outcome->code = answer->status;
	outcome->result = judge_status(attempt->medium, answer->status);
	if (outcome->result == BE_SENT)
		return;
	outcome->retry_after = answer->retry_after;
	n = snprintf(text, size, "HTTP %d%s", answer->status, answer->len ? ": " : "");
	snprintf(text + n, size - (size_t) n, "%.*s", (int) answer->len, answer->text);
	if (attempt->medium == BE_WHATSAPP &&
		be_whatsapp_error(answer, text + n, size - (size_t) n))
		outcome->result = BE_RETRY;
}

void
be_outcome_judge(BeOutcome *outcome, const BeAttempt *attempt, const BeAnswer *answer,
				 const BeMask *mask)
{
	/* Longer than what is kept, so that no secret is cut before it is masked. */
	char		text[BE_ANSWER_KEPT + 64];
	char		clean[sizeof(text)];

	*outcome = (BeOutcome) {.result = BE_RETRY,.retry_after = -1};
	snprintf(text, sizeof(text), "%s", attempt->trouble);
	if (attempt->medium == BE_EMAIL)
		judge_mail(outcome, attempt, answer, text, sizeof(text));
	else
		judge_http(outcome, attempt, answer, text, sizeof(text));
	if (outcome->result == BE_SENT)
		return;
	be_clean(clean, sizeof(clean), text, strlen(text));
	be_mask_apply(mask, clean);
	be_clean(outcome->error, sizeof(outcome->error), clean, strlen(clean));
}
