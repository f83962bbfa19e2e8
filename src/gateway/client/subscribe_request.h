/*
 * subscribe_request.h - what clients want of the stream.
 */
#ifndef BEV_GATEWAY_CLIENT_SUBSCRIBE_REQUEST_H
#define BEV_GATEWAY_CLIENT_SUBSCRIBE_REQUEST_H

#include "gateway/client/client_request.h"

/* Narrow the stream, or let it be all again. */
extern void bev_subscribe_request_answer(const BevClientRequest *request);

/* Nothing but answers, until the next subscribe. */
extern void bev_subscribe_request_end(const BevClientRequest *request);

#endif /* BEV_GATEWAY_CLIENT_SUBSCRIBE_REQUEST_H */
