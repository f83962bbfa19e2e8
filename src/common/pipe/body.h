/*
 * body.h - reads the bodies of messages.
 *
 * Everything that the bytes alone can tell is checked here, for both ends; what
 * depends on what was said before is the owner's affair.  All say false when the
 * body is not one of its kind; the struct is undefined then.
 *
 * Pure C: shared by the server's half and the gateway.
 */
#ifndef BEV_COMMON_PIPE_BODY_H
#define BEV_COMMON_PIPE_BODY_H

#include <stdbool.h>

#include "common/event/event.h"
#include "common/pipe/channel.h"
#include "common/pipe/counter.h"
#include "common/pipe/packed_subscription.h"
#include "common/pipe/message.h"

/* From the dispatcher. */
extern bool bev_body_stream(const BevMessage *message, BevStreamMessage *stream);
extern bool bev_body_progress(const BevMessage *message, BevProgressMessage *progress);
extern bool bev_body_fetched(const BevMessage *message, BevFetchedMessage *fetched);

/* The struct, and the statements behind it. */
extern bool bev_body_admit(const BevMessage *message, BevAdmitMessage *admit, BevSpan *access);
extern bool bev_body_disconnect(const BevMessage *message, BevDisconnectMessage *disconnect);

/* The struct, and the records or the text behind it. */
extern bool bev_body_answer(const BevMessage *message, BevAnswerMessage *answer, BevSpan *rest);

/* The struct, and the records behind it, which are read one by one. */
extern bool bev_body_events(const BevMessage *message, BevEventsMessage *events, BevSpan *records);
extern bool bev_body_next_record(BevSpan *records, BevEvent *event);

/* From a gateway. */
/* Of any version: whoever reads on must look at it first. */
extern bool bev_body_hello(const BevMessage *message, BevHelloMessage *hello);
extern bool bev_body_log(const BevMessage *message, BevLogMessage *log, BevSpan *text);
extern bool bev_body_fetch(const BevMessage *message, BevFetchMessage *fetch);
extern bool bev_body_open(const BevMessage *message, BevOpenMessage *open);
extern bool bev_body_closed(const BevMessage *message, BevClosedMessage *closed);
extern bool bev_body_role(const BevMessage *message, BevRoleMessage *role);

/* The struct, and the request's payload. */
extern bool bev_body_ask(const BevMessage *message, BevAskMessage *ask, BevSpan *payload);
extern bool bev_body_abuse(const BevMessage *message, BevAbuseMessage *abuse);
extern bool bev_body_slow(const BevMessage *message, BevSlowMessage *slow);
extern bool bev_body_counters(const BevMessage *message, uint64_t counter[BEV_COUNTER_KINDS]);

/* The struct, and what the client wants. */
extern bool bev_body_subscription(const BevMessage *message, BevSubscriptionMessage *who,
                                  BevSpan *packed);

/* How many reports the body is; -1: it is not made of reports. */
extern int bev_body_reports(const BevMessage *message);
extern void bev_body_report(const BevMessage *message, int i, BevClientsMessage *report);

#endif /* BEV_COMMON_PIPE_BODY_H */
