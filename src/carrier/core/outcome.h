/*
 * outcome.h - what became of an attempt: sent, to be tried again, or refused.
 */
#ifndef BEV_CARRIER_CORE_OUTCOME_H
#define BEV_CARRIER_CORE_OUTCOME_H

#include <stdbool.h>

#include "carrier/message/peer_answer.h"
#include "carrier/message/redact.h"
#include "carrier/message/medium.h"
#include "common/pipe/carrier_message.h"

typedef enum BevResult
{
	BEV_SENT,
	BEV_RETRY,
	BEV_REFUSED
} BevResult;

typedef struct BevOutcome
{
	BevResult result;
	int code;         /* SMTP or HTTP status; 0: none */
	long retry_after; /* seconds; -1: not said */
	bool uncertain;   /* it may have been accepted */
	char error[BEV_CARRIER_MAX_ERROR + 1];
} BevOutcome;

/* An attempt, as it ended. */
typedef struct BevAttempt
{
	BevMedium medium;
	bool done;           /* libcurl is content */
	const char *trouble; /* else, its words */
} BevAttempt;

/*
 * Judge.
 *
 * A mail: 5xx to it is refused, 4xx not.  What is said before the mail is about us and
 * not about the mail, and so are the codes of a missing login: retry.
 * A WhatsApp message: 4xx is refused, but for 401 (our token), 408, 425, 429 and what
 * the API calls throttled.  A webhook: 410 is refused; all else but 2xx is retried, since
 * its specification says so.
 */
extern void bev_outcome_judge(BevOutcome *outcome, const BevAttempt *attempt,
                              const BevPeerAnswer *answer, const BevRedact *mask);

/* An outcome without an attempt. */
extern void bev_outcome_set(BevOutcome *outcome, BevResult result, const char *error);

#endif /* BEV_CARRIER_CORE_OUTCOME_H */
