/*
 * http.h - the plain HTTP answers on the same port.
 */
#ifndef BE_GATEWAY_CLIENT_HTTP_H
#define BE_GATEWAY_CLIENT_HTTP_H

#include "gateway/client/client.h"

/* Answer a request that is no upgrade; the connection ends with it. */
extern void be_http_answer(BeClient *client, const BeHead *head);

/* Answer with a status alone: a refusal. */
extern void be_http_refuse(BeClient *client, int status);

/* Answer who waits for the metrics; NULL: they can't be had. */
extern void be_http_metrics(BeClient *client, const BeSpan *text);

/* Append the answer that accepts an upgrade. */
extern void be_http_accept(BeClient *client, const BeHead *head);

#endif							/* BE_GATEWAY_CLIENT_HTTP_H */
