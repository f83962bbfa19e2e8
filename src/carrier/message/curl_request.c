/*
 * curl_request.c - what is said to the other end, ready for libcurl.
 */
#include "carrier/message/curl_request.h"
#include "common/program/memory.h"

#include <stdlib.h>

void
bev_curl_request_add(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer == NULL)
		bev_out_of_memory();
	*list = longer;
}

void
bev_curl_request_add_text(struct curl_slist **list, BevText *line)
{
	bev_text_add(line, "", 1);
	bev_curl_request_add(list, line->data);
	bev_text_free(line);
}

void
bev_curl_request_free(BevCurlRequest *request)
{
	curl_slist_free_all(request->headers);
	curl_slist_free_all(request->recipients);
	curl_mime_free(request->mime);
	bev_text_free(&request->body);
	*request = (BevCurlRequest){0};
}
