/*
 * webhook.h - a delivery as a webhook, signed as the Standard Webhooks specification says.
 */
#ifndef BE_CARRIER_HTTP_WEBHOOK_H
#define BE_CARRIER_HTTP_WEBHOOK_H

#include <stdbool.h>

#include "carrier/message/delivery.h"
#include "carrier/message/curl_request.h"
#include "carrier/message/route.h"

/* False: it could not be signed. */
extern bool be_webhook_write(BeRequest *request, const BeRoute *route,
							 const BeDelivery *delivery);

#endif							/* BE_CARRIER_HTTP_WEBHOOK_H */
