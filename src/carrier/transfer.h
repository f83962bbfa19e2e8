/*
 * transfer.h - one attempt at a time, over connections that are kept for the next one.
 *
 * Blocks until the attempt is over; each worker has a transfer of its own.
 */
#ifndef BE_TRANSFER_H
#define BE_TRANSFER_H

#include <curl/curl.h>

#include "answer.h"
#include "delivery.h"
#include "outcome.h"
#include "request.h"
#include "route.h"

typedef struct BeTransfer
{
	CURL	   *easy;
	BeMedium	medium;
	BeRequest	request;
	BeAnswer	answer;
	char		trouble[CURL_ERROR_SIZE];
} BeTransfer;

extern void be_transfer_open(BeTransfer *transfer);

/*
 * Make the attempt.  The route is always the same: libcurl takes a connection behind STARTTLS
 * for as good as a new one, whomever it trusted.
 */
extern void be_transfer_run(BeTransfer *transfer, const BeRoute *route,
							const BeDelivery *delivery, BeOutcome *outcome);

/* Say goodbye on the connections that are left. */
extern void be_transfer_close(BeTransfer *transfer);

#endif							/* BE_TRANSFER_H */
