/*
 * email.h - a delivery as a mail.
 */
#ifndef BE_EMAIL_H
#define BE_EMAIL_H

#include <time.h>

#include "delivery.h"
#include "request.h"
#include "route.h"

/* The headers, but those that libcurl adds to a MIME message. */
extern struct curl_slist *be_email_headers(const BeRoute *route, const BeDelivery *delivery,
										   time_t now);

/* The whole mail, for this handle. */
extern void be_email_write(BeRequest *request, CURL *easy, const BeRoute *route,
						   const BeDelivery *delivery, time_t now);

#endif							/* BE_EMAIL_H */
