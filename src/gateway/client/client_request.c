/*
 * client_request.c - a message of a client, taken apart.
 */
#include "gateway/client/client_request.h"

#include "gateway/session/reply.h"

#include <stdio.h>

void
bev_client_request_invalid(const BevClientRequest *request, const char *field, const char *message)
{
	char more[96];

	snprintf(more, sizeof(more), ",\"field\":\"%s\"", field);
	bev_reply_error_with(request->session, request->id, "invalid_field", message, more);
}

void
bev_client_request_missing(const BevClientRequest *request, const char *field)
{
	char more[96];

	snprintf(more, sizeof(more), ",\"field\":\"%s\"", field);
	bev_reply_error_with(request->session, request->id, "missing_field",
	                     "a required field is missing", more);
}
