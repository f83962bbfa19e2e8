/*
 * gateway_message.c - takes in what gateways say.
 *
 * Model: a message is one of the kinds of common/pipe/message.h; each is given to whom it
 * concerns.  The first of a gateway is HELLO.
 *
 * Trust: what a gateway says is checked byte by byte (common/pipe/body.c, and here what
 * depends on the state); one that breaks the rules of message.h is killed and
 * started again (test/t/331_untrusted_gateway.pl).
 *
 * Cost: a metrics text is made once for all who ask within METRICS_AGE.
 */
#include "server/dispatcher/gateway_message.h"

#include "common/event/event.h"
#include "common/pipe/body.h"
#include "server/admission/admission.h"
#include "server/base/clock.h"
#include "server/dispatcher/program_log.h"
#include "server/dispatcher/gateway_token.h"
#include "server/dispatcher/questions.h"
#include "server/dispatcher/security.h"
#include "server/dispatcher/spent.h"
#include "server/monitor/exposition.h"
#include "server/shared/counters.h"
#include "utils/memutils.h"

#define METRICS_AGE 10 /* ms */

static bool
take_hello(BevFeed *feed, const BevMessage *message)
{
	static bool misfit_told = false;
	BevHelloMessage hello;

	if (feed->greeted || !bev_body_read(message, &hello, sizeof(hello), NULL))
		return false;
	feed->greeted = hello.version == BEV_PIPE_VERSION;
	if (!feed->greeted && !misfit_told)
		bev_program_log_misfit("bugevents-gateway", hello.version);
	misfit_told = !feed->greeted;
	if (!feed->greeted)
		bev_feed_end(feed, NULL);
	return true;
}

static bool
take_fetch(BevFeed *feed, const BevMessage *message, uint64 settled)
{
	BevFetchMessage fetch;

	if (!bev_body_read(message, &fetch, sizeof(fetch), NULL) || fetch.upto > settled ||
	    !feed->streaming || feed->fetch_count == BEV_FEED_FETCHES)
		return false;
	feed->fetches[feed->fetch_count++] = fetch;
	return true;
}

static bool
take_listen(BevFeed *feed, const BevMessage *message)
{
	BevListenMessage listen;

	return bev_body_read(message, &listen, sizeof(listen), NULL) &&
	       bev_feed_listen(feed, listen.config);
}

static bool
take_role(BevFeed *feed, const BevMessage *message)
{
	BevRoleMessage role;

	return bev_body_read(message, &role, sizeof(role), NULL) &&
	       bev_admission_role(feed->number, &role);
}

static bool
take_subscription(BevFeed *feed, const BevMessage *message)
{
	BevSubscriptionMessage who;
	BevSpan subscription;

	return bev_body_read(message, &who, sizeof(who), &subscription) &&
	       bev_admission_subscription(feed->number, who.client, subscription);
}

static bool
take_closed(BevFeed *feed, const BevMessage *message)
{
	BevClosedMessage closed;

	return bev_body_read(message, &closed, sizeof(closed), NULL) &&
	       bev_admission_close(feed->number, &closed);
}

static bool
take_clients(BevFeed *feed, const BevMessage *message)
{
	BevSpan reports = {message->body, message->size};
	BevClientsMessage report;

	while (bev_body_next_report(&reports, &report))
		if (!bev_admission_report(feed->number, &report))
			return false;
	return reports.len == 0;
}

/* A counter can't fall, nor pass what a century could count. */
static bool
take_counters(BevFeed *feed, const BevMessage *message)
{
	uint64 counter[BEV_COUNTER_KINDS];

	if (!bev_body_read(message, counter, sizeof(counter), NULL))
		return false;
	for (int i = 0; i < BEV_COUNTER_KINDS; i++)
		if (counter[i] < feed->counter[i] || counter[i] > PG_INT64_MAX)
			return false;
	for (int i = 0; i < BEV_COUNTER_KINDS; i++)
		bev_counters_add(i, counter[i] - feed->counter[i]);
	memcpy(feed->counter, counter, sizeof(feed->counter));
	return true;
}

static bool
take_spent(BevFeed *feed, const BevMessage *message)
{
	BevSpentMessage spent;

	if (!bev_body_read(message, &spent, sizeof(spent), NULL))
		return false;
	bev_spent_add(feed->number, &spent);
	return true;
}

static bool
take_abuse(BevFeed *feed, const BevMessage *message)
{
	BevAbuseMessage abuse;

	if (!bev_body_read(message, &abuse, sizeof(abuse), NULL))
		return false;
	bev_security_add(feed->number, &abuse);
	return true;
}

/* Made anew after METRICS_AGE, whoever asks how often. */
static StringInfo
current_metrics(void)
{
	static StringInfo text = NULL;
	static TimestampTz next = 0;
	MemoryContext old;

	if (text && !bev_clock_every(&next, METRICS_AGE))
		return text;
	old = MemoryContextSwitchTo(TopMemoryContext);
	if (text == NULL)
		text = makeStringInfo();
	MemoryContextSwitchTo(old);
	resetStringInfo(text);
	bev_exposition_write(text);
	return text;
}

/* They are there whoever is busy. */
static void
answer_metrics(BevFeed *feed, const BevAskMessage *ask)
{
	BevAnswerMessage answer = {
		.client = ask->client, .request = ask->request, .kind = BEV_ANSWER_TEXT};
	StringInfo text = current_metrics();
	struct iovec part[2] = {{&answer, sizeof(answer)}, {text->data, text->len}};

	bev_feed_send(feed, BEV_MSG_ANSWER, part, 2);
}

static bool
take_ask(BevFeed *feed, const BevMessage *message)
{
	BevAskMessage ask;
	BevSpan payload;

	if (!bev_body_read(message, &ask, sizeof(ask), &payload))
		return false;
	if (ask.verb == BEV_VERB_UNSUBSCRIBE)
	{
		bev_gateway_token_unsubscribe(feed, &ask, payload);
		return true;
	}
	if (ask.verb != BEV_VERB_METRICS)
		return bev_gateway_token_ask(feed, &ask, payload);
	answer_metrics(feed, &ask);
	return bev_span_is(payload, "{}");
}

static bool
take_message(BevFeed *feed, const BevMessage *message, uint64 settled)
{
	if (message->kind == BEV_MSG_HELLO)
		return take_hello(feed, message);
	if (!feed->greeted)
		return false;
	switch (message->kind)
	{
		case BEV_MSG_LISTEN:
			return take_listen(feed, message);
		case BEV_MSG_LOG:
			return bev_program_log_line(&feed->log, message);
		case BEV_MSG_STATUS:
			return bev_program_log_status(&feed->log, message);
		case BEV_MSG_FETCH:
			return take_fetch(feed, message, settled);
		case BEV_MSG_OPEN:
			return bev_gateway_token_open(feed, message);
		case BEV_MSG_AGAIN:
			return bev_gateway_token_again(feed, message);
		case BEV_MSG_TOKEN:
			return bev_gateway_token_show(feed, message);
		case BEV_MSG_CLOSED:
			return take_closed(feed, message);
		case BEV_MSG_CLIENTS:
			return take_clients(feed, message);
		case BEV_MSG_ASK:
			return take_ask(feed, message);
		case BEV_MSG_ABUSE:
			return take_abuse(feed, message);
		case BEV_MSG_SPENT:
			return take_spent(feed, message);
		case BEV_MSG_SLOW:
			return bev_program_log_slow(&feed->log, feed->number, message);
		case BEV_MSG_COUNTERS:
			return take_counters(feed, message);
		case BEV_MSG_ROLE:
			return take_role(feed, message);
		case BEV_MSG_SUBSCRIPTION:
			return take_subscription(feed, message);
		default:
			return false;
	}
}

void
bev_gateway_message_receive(BevFeed *feed, uint64 settled)
{
	BevMessage message;
	long received;
	int result = 0;

	if (feed->channel.fd < 0)
		return;
	received = bev_channel_receive(&feed->channel, BEV_MESSAGE_MAX_UP);
	while (feed->channel.fd >= 0 && (result = bev_channel_next(&feed->channel, &message)) > 0)
	{
		if (!take_message(feed, &message, settled))
		{
			result = -1;
			break;
		}
	}
	if (result < 0)
		bev_feed_end(feed, "it broke the protocol of the pipe");
	else if (received < 0 && feed->retired)
		bev_channel_close(&feed->channel); /* it is about to end */
	else if (received < 0)
		bev_feed_end(feed, NULL);
}
