/*
 * curl_request.h - what is said to the other end, ready for libcurl.
 */
#ifndef BE_CARRIER_MESSAGE_CURL_REQUEST_H
#define BE_CARRIER_MESSAGE_CURL_REQUEST_H

#include <curl/curl.h>

#include "common/program/text.h"

typedef struct BeRequest
{
	struct curl_slist *headers;
	struct curl_slist *recipients;	/* of a mail */
	curl_mime  *mime;			/* of a mail */
	BeText		body;			/* of a POST */
} BeRequest;

/* A line is copied. */
extern void be_request_add(struct curl_slist **list, const char *line);

/* Text that was written for it, which is freed. */
extern void be_request_add_text(struct curl_slist **list, BeText *line);

extern void be_request_free(BeRequest *request);

#endif							/* BE_CARRIER_MESSAGE_CURL_REQUEST_H */
