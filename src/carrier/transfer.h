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
	BeRoute    *route;			/* of its connections */
	BeRequest	request;
	BeAnswer	answer;
	char		trouble[CURL_ERROR_SIZE];
} BeTransfer;

extern void be_transfer_open(BeTransfer *transfer);

/*
 * Make the attempt.  Connections of another route than the last one's are closed: libcurl
 * takes them for as good as new ones, whomever they trusted.
 */
extern void be_transfer_run(BeTransfer *transfer, BeRoute *route,
							const BeDelivery *delivery, BeOutcome *outcome);

/* Say goodbye on the connections that are left. */
extern void be_transfer_close(BeTransfer *transfer);

#endif							/* BE_TRANSFER_H */
