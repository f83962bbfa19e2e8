/*
 * email.h - a delivery as a mail.
 */
#ifndef BEV_CARRIER_MAIL_EMAIL_H
#define BEV_CARRIER_MAIL_EMAIL_H

#include <time.h>

#include "carrier/message/delivery.h"
#include "carrier/message/curl_request.h"
#include "carrier/message/route.h"

/* The headers, but those that libcurl adds to a MIME message. */
extern struct curl_slist *bev_email_headers(const BevRoute *route, const BevDelivery *delivery,
                                            time_t now);

/* The whole mail, for this handle. */
extern void bev_email_write(BevCurlRequest *request, CURL *easy, const BevRoute *route,
                            const BevDelivery *delivery, time_t now);

#endif /* BEV_CARRIER_MAIL_EMAIL_H */
