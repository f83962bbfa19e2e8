/*
 * http_answer.h - the head of an HTTP answer.
 *
 * Pure C.
 */
#ifndef BEV_GATEWAY_WIRE_HTTP_ANSWER_H
#define BEV_GATEWAY_WIRE_HTTP_ANSWER_H

#include "common/event/event.h"
#include "common/program/text.h"

/* "Not Found" of 404. */
extern const char *bev_http_reason(int status);

/* The status of an answer that is one of the protocol's errors. */
extern int bev_http_status_of_error(const char *code);

/* Append the lines by which a page of this origin may read the answer; an empty one may not. */
extern void bev_http_add_cors(BevText *out, BevSpan origin);

#endif /* BEV_GATEWAY_WIRE_HTTP_ANSWER_H */
