/*
 * http_answer.c - the head of an HTTP answer.
 */
#include "gateway/wire/http_answer.h"

#include <string.h>

const char *
bev_http_reason(int status)
{
	static const struct
	{
		int status;
		const char *reason;
	} reasons[] = {
		{200, "OK"},
		{204, "No Content"},
		{304, "Not Modified"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{408, "Request Timeout"},
		{410, "Gone"},
		{426, "Upgrade Required"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{503, "Service Unavailable"},
		{505, "HTTP Version Not Supported"},
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Bad Request";
}

int
bev_http_status_of_error(const char *code)
{
	static const struct
	{
		const char *code;
		int status;
	} statuses[] = {
		{"missing_token", 401},
		{"invalid_token", 401},
		{"token_expired", 401},
		{"user_inactive", 403},
		{"forbidden", 403},
		{"origin_not_allowed", 403},
		{"not_found", 404},
		{"resync_required", 410},
		{"rate_limited", 429},
		{"invalid_field", 400},
		{"too_many_connections", 429},
		{"internal_error", 500},
		{"invalid_message", 400},
		{"missing_field", 400},
	};

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (strcmp(statuses[i].code, code) == 0)
			return statuses[i].status;
	return 503; /* try again later, perhaps elsewhere */
}

void
bev_http_add_cors(BevText *out, BevSpan origin)
{
	if (origin.len == 0)
		return;
	bev_text_add_string(out, "Access-Control-Allow-Origin: ");
	bev_text_add(out, origin.data, origin.len);
	bev_text_add_string(out, "\r\nVary: Origin\r\n");
}
