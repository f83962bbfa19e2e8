/*
 * webhook.c - a delivery as a webhook.
 */
#include "carrier/http/webhook.h"

#include <inttypes.h>

bool
bev_webhook_write(BevCurlRequest *request, const BevRoute *route, const BevDelivery *delivery)
{
	BevText line = {0};
	bool good;

	bev_text_add_string(&request->body, delivery->body);
	bev_curl_request_add(&request->headers, "Content-Type: application/json");
	bev_text_printf(&line, "webhook-id: %s", delivery->msg_id);
	bev_curl_request_add_text(&request->headers, &line);
	bev_text_printf(&line, "webhook-timestamp: %" PRId64, delivery->timestamp);
	bev_curl_request_add_text(&request->headers, &line);
	bev_text_add_string(&line, "webhook-signature: ");
	good = bev_signer_sign(&route->signer, &line, delivery->msg_id, delivery->timestamp,
	                       delivery->body);
	bev_curl_request_add_text(&request->headers, &line);
	return good;
}
