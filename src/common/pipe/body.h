/*
 * body.h - reads the bodies of messages.
 *
 * Everything that the bytes alone can tell is checked here, for both ends; what
 * depends on what was said before is the owner's affair.  All say false when the
 * body is not one of its kind; the struct is undefined then.
 *
 * Pure C: shared by the server's half and the gateway.
 */
#ifndef BE_COMMON_PIPE_BODY_H
#define BE_COMMON_PIPE_BODY_H

#include <stdbool.h>

#include "common/event/event.h"
#include "common/pipe/channel.h"
#include "common/pipe/counter.h"
#include "common/pipe/packed_subscription.h"
#include "common/pipe/message.h"

/* From the dispatcher. */
extern bool be_body_stream(const BeMessage *message, BeStreamMessage *stream);
extern bool be_body_progress(const BeMessage *message, BeProgressMessage *progress);
extern bool be_body_fetched(const BeMessage *message, BeFetchedMessage *fetched);

/* The struct, and the statements behind it. */
extern bool be_body_admit(const BeMessage *message, BeAdmitMessage *admit,
						  BeSpan *access);
extern bool be_body_disconnect(const BeMessage *message,
							   BeDisconnectMessage *disconnect);

/* The struct, and the records or the text behind it. */
extern bool be_body_answer(const BeMessage *message, BeAnswerMessage *answer,
						   BeSpan *rest);

/* The struct, and the records behind it, which are read one by one. */
extern bool be_body_events(const BeMessage *message, BeEventsMessage *events,
						   BeSpan *records);
extern bool be_body_next_record(BeSpan *records, BeEvent *event);

/* From a gateway. */
extern bool be_body_hello(const BeMessage *message, BeHelloMessage *hello);
extern bool be_body_log(const BeMessage *message, BeLogMessage *log, BeSpan *text);
extern bool be_body_fetch(const BeMessage *message, BeFetchMessage *fetch);
extern bool be_body_open(const BeMessage *message, BeOpenMessage *open);
extern bool be_body_closed(const BeMessage *message, BeClosedMessage *closed);
extern bool be_body_role(const BeMessage *message, BeRoleMessage *role);

/* The struct, and the request's payload. */
extern bool be_body_ask(const BeMessage *message, BeAskMessage *ask, BeSpan *payload);
extern bool be_body_suspect(const BeMessage *message, BeSuspectMessage *suspect);
extern bool be_body_slow(const BeMessage *message, BeSlowMessage *slow);
extern bool be_body_counters(const BeMessage *message, uint64_t counter[BE_COUNTER_KINDS]);

/* The struct, and what the client wants. */
extern bool be_body_interest(const BeMessage *message, BeInterestMessage *who,
							 BeSpan *interest);

/* How many reports the body is; -1: it is not made of reports. */
extern int	be_body_reports(const BeMessage *message);
extern void be_body_report(const BeMessage *message, int i,
						   BeClientsMessage *report);

#endif							/* BE_COMMON_PIPE_BODY_H */
