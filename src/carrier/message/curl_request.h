/*
 * curl_request.h - what is said to the other end, ready for libcurl.
 */
#ifndef BEV_CARRIER_MESSAGE_CURL_REQUEST_H
#define BEV_CARRIER_MESSAGE_CURL_REQUEST_H

#include <curl/curl.h>

#include "common/program/text.h"

typedef struct BevCurlRequest
{
	struct curl_slist *headers;
	struct curl_slist *recipients; /* of a mail */
	curl_mime *mime;               /* of a mail */
	BevText body;                  /* of a POST */
} BevCurlRequest;

/* A line is copied. */
extern void bev_curl_request_add(struct curl_slist **list, const char *line);

/* Text that was written for it, which is freed. */
extern void bev_curl_request_add_text(struct curl_slist **list, BevText *line);

extern void bev_curl_request_free(BevCurlRequest *request);

#endif /* BEV_CARRIER_MESSAGE_CURL_REQUEST_H */
