/*
 * outcome.c - what became of an attempt.
 */
#include "carrier/core/outcome.h"
#include "common/text/utf8.h"
#include "carrier/http/whatsapp.h"

#include <stdio.h>
#include <string.h>

void
bev_outcome_set(BevOutcome *outcome, BevResult result, const char *error)
{
	*outcome = (BevOutcome){.result = result, .retry_after = -1};
	bev_utf8_clean(outcome->error, sizeof(outcome->error), error, strlen(error));
}

/* A server that wants a login, or doesn't take ours; RFC 4954, section 6. */
static bool
is_about_login(int status)
{
	return status == 530 || status == 534 || status == 535 || status == 538;
}

static void
judge_mail(BevOutcome *outcome, const BevAttempt *attempt, const BevPeerAnswer *answer, char *text,
           size_t size)
{
	if (attempt->done)
	{
		outcome->result = BEV_SENT;
		outcome->code = answer->status;
	}
	else if (answer->status >= 400)
	{
		bool about_mail = answer->asked && !is_about_login(answer->status);

		outcome->result = about_mail && answer->status >= 500 ? BEV_REFUSED : BEV_RETRY;
		outcome->code = answer->status;
		snprintf(text, size, "%s%.*s",
		         about_mail ? "" : "connection or login refused: ", (int) answer->len,
		         answer->text);
	}
	else
		/* 354: it took the mail, or a part of it, and then said nothing. */
		outcome->uncertain = answer->asked && answer->status == 354;
}

static BevResult
judge_status(BevMedium medium, int status)
{
	if (status < 300)
		return BEV_SENT;
	if (medium == BEV_WEBHOOK)
		return status == 410 ? BEV_REFUSED : BEV_RETRY;
	return status >= 400 && status < 500 && status != 401 && status != 408 && status != 425 &&
	               status != 429 ?
	           BEV_REFUSED :
	           BEV_RETRY;
}

static void
judge_http(BevOutcome *outcome, const BevAttempt *attempt, const BevPeerAnswer *answer, char *text,
           size_t size)
{
	int n;

	/* A status is an answer, whatever became of the body behind it. */
	if (answer->status == 0)
	{
		outcome->uncertain = answer->asked;
		return;
	}
	outcome->code = answer->status;
	outcome->result = judge_status(attempt->medium, answer->status);
	if (outcome->result == BEV_SENT)
		return;
	outcome->retry_after = answer->retry_after;
	n = snprintf(text, size, "HTTP %d%s", answer->status, answer->len ? ": " : "");
	snprintf(text + n, size - (size_t) n, "%.*s", (int) answer->len, answer->text);
	if (attempt->medium == BEV_WHATSAPP && bev_whatsapp_error(answer, text + n, size - (size_t) n))
		outcome->result = BEV_RETRY;
}

void
bev_outcome_judge(BevOutcome *outcome, const BevAttempt *attempt, const BevPeerAnswer *answer,
                  const BevRedact *mask)
{
	/* Longer than what is kept, so that no secret is cut before it is masked. */
	char text[BEV_ANSWER_KEPT + 64];
	char clean[sizeof(text)];

	*outcome = (BevOutcome){.result = BEV_RETRY, .retry_after = -1};
	snprintf(text, sizeof(text), "%s", attempt->trouble);
	if (attempt->medium == BEV_EMAIL)
		judge_mail(outcome, attempt, answer, text, sizeof(text));
	else
		judge_http(outcome, attempt, answer, text, sizeof(text));
	if (outcome->result == BEV_SENT)
		return;
	bev_utf8_clean(clean, sizeof(clean), text, strlen(text));
	bev_redact_apply(mask, clean);
	bev_utf8_clean(outcome->error, sizeof(outcome->error), clean, strlen(clean));
}
