/*
 * body.h - the bodies of messages, as the table in body.c has them.
 *
 * Everything that the bytes alone can tell is checked here, for both ends; what
 * depends on what was said before is the owner's affair.
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

/* Bytes of the struct that a message of this kind begins with; 0: it has none. */
extern size_t bev_body_size(BevMessageKind kind);

/*
 * Read a body by its kind into *head, the struct of that kind (size is its own), and *rest, what
 * follows it; NULL: nothing may.  False when it is none of its kind; *head is undefined then.
 * COUNTERS has an array of BEV_COUNTER_KINDS uint64_t for a struct.  HELLO may be of any version:
 * whoever reads on must look at that first.
 */
extern bool bev_body_read(const BevMessage *message, void *head, size_t size, BevSpan *rest);

/* Read what follows an ANSWER of BEV_ANSWER_GRANT; false: it is none. */
extern bool bev_body_read_grant(BevSpan rest, BevGrant *grant, BevSpan *projects);

/* Take the next of a grant's projects; false: there is none. */
extern bool bev_body_next_project(BevSpan *projects, const char **project);

/* Take the next event of those behind EVENTS and ANSWER; false: there is none. */
extern bool bev_body_next_record(BevSpan *records, BevEvent *event);

/* Take the next era of those behind STREAM; false: there is none, or a part of one. */
extern bool bev_body_next_era(BevSpan *eras, BevPastEra *era);

/* Take the next report of CLIENTS; false: there is none, or a part of one. */
extern bool bev_body_next_report(BevSpan *reports, BevClientsMessage *report);

#endif /* BEV_COMMON_PIPE_BODY_H */
