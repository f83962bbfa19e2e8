/*
 * subscribe_request.c - what clients want of the stream.
 *
 * Model: a subscription replaces the one before it, and what was under way for that ends.  With
 * state, its rows come first (session/state.h), then what follows them.
 */
#include "gateway/client/subscribe_request.h"

#include "common/program/text.h"
#include "gateway/session/reply.h"
#include "gateway/stream/subscription_reader.h"

#include <inttypes.h>
#include <stdio.h>

static void
reply_position(const BevClientRequest *request)
{
	char payload[48];

	snprintf(payload, sizeof(payload), "{\"seq\":%" PRIu64 "}",
	         bev_session_position(request->session));
	bev_reply_ok(request->session, request->id, payload);
}

/* What was under way for the subscription before ends. */
static void
end_state(const BevClientRequest *request)
{
	bev_state_end(request->messages->states, request->session);
}

/* Rows are those of types, each of which is read; a client has to say which. */
static void
use_subscription(const BevClientRequest *request, BevSubscription *subscription, bool conflate)
{
	BevSession *session = request->session;

	end_state(request);
	bev_fanout_subscribe(request->messages->fanout, session, subscription);
	session->muted = false;
	session->subscription_changed = true;
	bev_fanout_conflate(request->messages->fanout, session, conflate);
	reply_position(request);
}

/* A member that is true or false, false when it isn't there; false: it is something else. */
static bool
read_flag(const BevClientRequest *request, const char *name, bool *flag)
{
	const json_t *value = json_object_get(request->payload, name);

	*flag = json_is_true(value);
	if (value == NULL || json_is_boolean(value))
		return true;
	bev_client_request_invalid(request, name, "expected true or false");
	return false;
}

/* Of a list, or, for true, of the subscription; false: it is no list of types. */
static bool
read_types(const json_t *state, const BevSubscription *subscription, BevAskedTypes *types)
{
	*types = (BevAskedTypes){.are_some = json_is_array(state)};
	if (json_is_true(state))
		*types = bev_asked_types_of(subscription);
	for (size_t i = 0; i < json_array_size(state); i++)
	{
		const json_t *type = json_array_get(state, i);

		if (!json_is_string(type) ||
		    !bev_text_is_line(json_string_value(type), json_string_length(type)))
			return false;
		bev_asked_types_add(types, json_string_value(type));
	}
	return !types->are_some || (types->count >= 1 && types->count <= BEV_ASKED_TYPES_MAX);
}

/* The types whose rows are wanted first, if any are.  False: that is malformed, and was said. */
static bool
read_state(const BevClientRequest *request, const BevSubscription *subscription,
           BevAskedTypes *types)
{
	const json_t *state = json_object_get(request->payload, "state");

	if ((state && !json_is_boolean(state) && !json_is_array(state)) ||
	    !read_types(state, subscription, types))
		bev_client_request_invalid(request, "state",
		                           "expected true, false or a list of 1 to 16 types");
	else if (json_is_true(state) && types->count == 0)
		bev_client_request_missing(request, "types");
	else if (types->count > BEV_ASKED_TYPES_MAX)
		bev_client_request_invalid(request, "types", "these are too many types for a state");
	else
		return true;
	return false;
}

void
bev_subscribe_request_answer(const BevClientRequest *request)
{
	static const char *const others[] = {"conflate", "state", NULL};
	BevSubscription *subscription;
	BevSubscriptionFault fault;
	BevAskedTypes types;
	bool conflate;

	if (!bev_subscription_read(request->payload, others, &subscription, &fault))
	{
		bev_client_request_invalid(request, fault.field, fault.message);
		return;
	}
	if (!read_flag(request, "conflate", &conflate) || !read_state(request, subscription, &types))
		bev_subscription_free(subscription);
	else if (types.count > 0)
	{
		end_state(request);
		bev_state_ask(request->messages->states, request->session, request->id, subscription,
		              conflate, &types);
	}
	else
		use_subscription(request, subscription, conflate);
}

void
bev_subscribe_request_end(const BevClientRequest *request)
{
	BevSession *session = request->session;

	end_state(request);
	session->muted = true;
	session->subscription_changed = true;
	bev_fanout_place(request->messages->fanout, session, session->sessions->sent_tip);
	reply_position(request);
}
