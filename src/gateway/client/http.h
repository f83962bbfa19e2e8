/*
 * http.h - the plain HTTP answers on the same port.
 */
#ifndef BEV_GATEWAY_CLIENT_HTTP_H
#define BEV_GATEWAY_CLIENT_HTTP_H

#include "gateway/client/client.h"

/* Answer a request that is no upgrade; the connection ends with it. */
extern void bev_http_answer(BevClient *client, const BevHead *head);

/* Answer with a status alone: a refusal. */
extern void bev_http_refuse(BevClient *client, int status);

/* Answer who waits for the metrics; NULL: they can't be had. */
extern void bev_http_metrics(BevClient *client, const BevSpan *text);

/* Append the answer that accepts an upgrade. */
extern void bev_http_accept(BevClient *client, const BevHead *head);

#endif /* BEV_GATEWAY_CLIENT_HTTP_H */
