/*
 * outcome.h - what became of an attempt: sent, to be tried again, or refused.
 */
#ifndef BE_CARRIER_CORE_OUTCOME_H
#define BE_CARRIER_CORE_OUTCOME_H

#include <stdbool.h>

#include "carrier/message/peer_answer.h"
#include "carrier/message/redact.h"
#include "carrier/message/medium.h"
#include "common/pipe/carrier_message.h"

typedef enum BeResult
{
	BE_SENT,
	BE_RETRY,
	BE_REFUSED
} BeResult;

typedef struct BeOutcome
{
	BeResult	result;
	int			code;			/* SMTP or HTTP status; 0: none */
	long		retry_after;	/* seconds; -1: not said */
	bool		uncertain;		/* it may have been accepted */
	char		error[BE_CARRIER_MAX_ERROR + 1];
} BeOutcome;

/* An attempt, as it ended. */
typedef struct BeAttempt
{
	BeMedium	medium;
	bool		done;			/* libcurl is content */
	const char *trouble;		/* else, its words */
} BeAttempt;

/*
 * Judge.
 *
 * A mail: 5xx to it is refused, 4xx not.  What is said before the mail is about us and
 * not about the mail, and so are the codes of a missing login: retry.
 * A WhatsApp message: 4xx is refused, but for 401 (our token), 408, 425, 429 and what
 * the API calls throttled.  A webhook: 410 is refused; all else but 2xx is retried, since
 * its specification says so.
 */
extern void be_outcome_judge(BeOutcome *outcome, const BeAttempt *attempt,
							 const BeAnswer *answer, const BeMask *mask);

/* An outcome without an attempt. */
extern void be_outcome_set(BeOutcome *outcome, BeResult result, const char *error);

#endif							/* BE_CARRIER_CORE_OUTCOME_H */
