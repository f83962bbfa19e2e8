/*
 * transfer.h - one attempt at a time, over connections that are kept for the next one.
 *
 * Blocks until the attempt is over; each worker has a transfer of its own.
 */
#ifndef BEV_CARRIER_CORE_TRANSFER_H
#define BEV_CARRIER_CORE_TRANSFER_H

#include <curl/curl.h>

#include "carrier/message/peer_answer.h"
#include "carrier/message/delivery.h"
#include "carrier/core/outcome.h"
#include "carrier/message/curl_request.h"
#include "carrier/message/route.h"

typedef struct BevTransfer
{
	CURL *easy;
	BevMedium medium;
	BevCurlRequest request;
	BevPeerAnswer answer;
	char trouble[CURL_ERROR_SIZE];
} BevTransfer;

extern void bev_transfer_open(BevTransfer *transfer);

/*
 * Make the attempt.  The route is always the same: libcurl takes a connection behind STARTTLS
 * for as good as a new one, whomever it trusted.
 */
extern void bev_transfer_run(BevTransfer *transfer, const BevRoute *route,
                             const BevDelivery *delivery, BevOutcome *outcome);

/* Say goodbye on the connections that are left. */
extern void bev_transfer_close(BevTransfer *transfer);

#endif /* BEV_CARRIER_CORE_TRANSFER_H */
