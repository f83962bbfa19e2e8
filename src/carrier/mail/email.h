/*
 * email.h - a delivery as a mail.
 */
#ifndef BE_CARRIER_MAIL_EMAIL_H
#define BE_CARRIER_MAIL_EMAIL_H

#include <time.h>

#include "carrier/message/delivery.h"
#include "carrier/message/curl_request.h"
#include "carrier/message/route.h"

/* The headers, but those that libcurl adds to a MIME message. */
extern struct curl_slist *be_email_headers(const BeRoute *route, const BeDelivery *delivery,
										   time_t now);

/* The whole mail, for this handle. */
extern void be_email_write(BeRequest *request, CURL *easy, const BeRoute *route,
						   const BeDelivery *delivery, time_t now);

#endif							/* BE_CARRIER_MAIL_EMAIL_H */
