/*
 * webhook.c - a delivery as a webhook.
 */
#include "carrier/http/webhook.h"

#include <inttypes.h>

bool
be_webhook_write(BeRequest *request, const BeRoute *route, const BeDelivery *delivery)
{
	BeText		line = {0};
	bool		good;

	be_text_add_string(&request->body, delivery->body);
	be_request_add(&request->headers, "Content-Type: application/json");
	be_text_printf(&line, "webhook-id: %s", delivery->msg_id);
	be_request_add_text(&request->headers, &line);
	be_text_printf(&line, "webhook-timestamp: %" PRId64, delivery->timestamp);
	be_request_add_text(&request->headers, &line);
	be_text_add_string(&line, "webhook-signature: ");
	good = be_signer_sign(&route->signer, &line, delivery->msg_id, delivery->timestamp,
						  delivery->body);
	be_request_add_text(&request->headers, &line);
	return good;
}
