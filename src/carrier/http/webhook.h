/*
 * webhook.h - a delivery as a webhook, signed as the Standard Webhooks specification says.
 */
#ifndef BEV_CARRIER_HTTP_WEBHOOK_H
#define BEV_CARRIER_HTTP_WEBHOOK_H

#include <stdbool.h>

#include "carrier/message/delivery.h"
#include "carrier/message/curl_request.h"
#include "carrier/message/route.h"

/* False: it could not be signed. */
extern bool bev_webhook_write(BevCurlRequest *request, const BevRoute *route,
                              const BevDelivery *delivery);

#endif /* BEV_CARRIER_HTTP_WEBHOOK_H */
