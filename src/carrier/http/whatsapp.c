/*
 * whatsapp.c - a delivery as a template message of the WhatsApp Business Cloud API.
 */
#include "carrier/http/whatsapp.h"
#include "common/program/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *
parameters_of(const BevDelivery *delivery)
{
	json_t *list = json_array();

	for (size_t i = 0; i < json_array_size(delivery->parameters); i++)
		json_array_append_new(list, json_pack("{s:s, s:O}", "type", "text", "text",
		                                      json_array_get(delivery->parameters, i)));
	return list;
}

static json_t *
message_of(const BevDelivery *delivery)
{
	json_t *components = json_array();

	if (json_array_size(delivery->parameters) > 0)
		json_array_append_new(components, json_pack("{s:s, s:o}", "type", "body", "parameters",
		                                            parameters_of(delivery)));
	return json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:{s:s}, s:o}, s:s}", "messaging_product",
	                 "whatsapp", "recipient_type", "individual", "to", delivery->phone, "type",
	                 "template", "template", "name", delivery->template_name, "language", "code",
	                 delivery->language, "components", components,
	                 /* Comes back in the reports about this message. */
	                 "biz_opaque_callback_data", delivery->key);
}

void
bev_whatsapp_write(BevCurlRequest *request, const BevRoute *route, const BevDelivery *delivery)
{
	json_t *message = message_of(delivery);
	char *json = json_dumps(message, JSON_COMPACT);
	BevText line = {0};

	if (json == NULL)
		bev_out_of_memory();
	bev_text_add_string(&request->body, json);
	free(json);
	json_decref(message);
	bev_text_printf(&line, "Authorization: Bearer %s", route->token);
	bev_curl_request_add_text(&request->headers, &line);
	bev_curl_request_add(&request->headers, "Content-Type: application/json");
}

/* Its codes that mean: later.  The HTTP status with them has been 400 as well as 429. */
static bool
is_throttled(json_int_t code)
{
	return code == 4 || code == 80007 || code == 130429 || code == 131048 || code == 131056;
}

bool
bev_whatsapp_error(const BevPeerAnswer *answer, char *text, size_t text_size)
{
	json_t *root = json_loadb(answer->text, answer->len, 0, NULL);
	const json_t *error = json_object_get(root, "error");
	const char *message = json_string_value(json_object_get(error, "message"));
	const char *details =
		json_string_value(json_object_get(json_object_get(error, "error_data"), "details"));
	bool later = is_throttled(json_integer_value(json_object_get(error, "code"))) ||
	             json_is_true(json_object_get(error, "is_transient"));

	if (message)
		snprintf(text, text_size, "%s%s%s", message, details ? ": " : "", details ? details : "");
	json_decref(root);
	return later;
}
