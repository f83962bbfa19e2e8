/*
 * subscription_reader.h - a subscription, or a filter of rows, out of the JSON that a client sent.
 *
 *		{"types": [...], "actions": [...], "project_ids": [...], "bug_report_ids": [...],
 *		 "where": {"status": ["open", "triaged"], "assignee_id": 7}, "any": [{...}, ...]}
 *
 * Each is optional.  What stands in "any" is the same, without "any".
 */
#ifndef BEV_GATEWAY_STREAM_SUBSCRIPTION_READER_H
#define BEV_GATEWAY_STREAM_SUBSCRIPTION_READER_H

#include <jansson.h>

#include "gateway/stream/subscription.h"

/* What is wrong with it, for an error "invalid_field". */
typedef struct BevSubscriptionFault
{
	const char *field;
	const char *message;
} BevSubscriptionFault;

/*
 * Read what is asked for; payload: an object, or NULL.  Members that are in others, which ends with
 * a NULL, are for somebody else.  False: the fault says why.  *subscription is the caller's,
 * and NULL if it narrows nothing.
 */
extern bool bev_subscription_read(const json_t *payload, const char *const *others,
                                  BevSubscription **subscription, BevSubscriptionFault *fault);

/* The same of "where" and "any" alone, whatever else is there. */
extern bool bev_subscription_read_where(const json_t *payload, BevSubscription **subscription,
                                        BevSubscriptionFault *fault);

#endif /* BEV_GATEWAY_STREAM_SUBSCRIPTION_READER_H */
