/*
 * transfer.h - one attempt at a time, over connections that are kept for the next one.
 *
 * Blocks until the attempt is over; each worker has a transfer of its own.
 */
#ifndef BE_CARRIER_CORE_TRANSFER_H
#define BE_CARRIER_CORE_TRANSFER_H

#include <curl/curl.h>

#include "carrier/message/peer_answer.h"
#include "carrier/message/delivery.h"
#include "carrier/core/outcome.h"
#include "carrier/message/curl_request.h"
#include "carrier/message/route.h"

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

#endif							/* BE_CARRIER_CORE_TRANSFER_H */
