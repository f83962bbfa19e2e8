/*
 * webhook.h - a delivery as a webhook, signed as the Standard Webhooks specification says.
 */
#ifndef BE_WEBHOOK_H
#define BE_WEBHOOK_H

#include <stdbool.h>

#include "delivery.h"
#include "request.h"
#include "route.h"

/* False: it could not be signed. */
extern bool be_webhook_write(BeRequest *request, const BeRoute *route,
							 const BeDelivery *delivery);

#endif							/* BE_WEBHOOK_H */
