/*
 * whatsapp.h - a delivery as a template message of the WhatsApp Business Cloud API.
 */
#ifndef BEV_CARRIER_HTTP_WHATSAPP_H
#define BEV_CARRIER_HTTP_WHATSAPP_H

#include <stdbool.h>

#include "carrier/message/peer_answer.h"
#include "carrier/message/delivery.h"
#include "carrier/message/curl_request.h"
#include "carrier/message/route.h"

extern void bev_whatsapp_write(BevCurlRequest *request, const BevRoute *route,
                               const BevDelivery *delivery);

/*
 * What an error of the API says.  Puts it into text, if it can be understood; true: the API has
 * enough of us for now, whatever the HTTP status is.
 */
extern bool bev_whatsapp_error(const BevPeerAnswer *answer, char *text, size_t text_size);

#endif /* BEV_CARRIER_HTTP_WHATSAPP_H */
