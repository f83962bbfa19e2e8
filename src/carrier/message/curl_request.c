/*
 * curl_request.c - what is said to the other end, ready for libcurl.
 */
#include "carrier/message/curl_request.h"
#include "common/program/memory.h"

#include <stdlib.h>

void
be_request_add(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer == NULL)
		be_out_of_memory();
	*list = longer;
}

void
be_request_add_text(struct curl_slist **list, BeText *line)
{
	be_text_add(line, "", 1);
	be_request_add(list, line->data);
	be_text_free(line);
}

void
be_request_free(BeRequest *request)
{
	curl_slist_free_all(request->headers);
	curl_slist_free_all(request->recipients);
	curl_mime_free(request->mime);
	be_text_free(&request->body);
	*request = (BeRequest) {0};
}
