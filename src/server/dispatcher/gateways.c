/*
 * gateways.c - all gateways: as many as the settings say, each with its feed.
 *
 * Model: a gateway has a feed (feed.c) under its number.  One that ended is started again; those
 * whose stream is void, or that the settings want no more, are told to end, and their numbers are
 * free when they have.
 *
 * Sleeping: the dispatcher waits for its latch and for all pipes at once.  The set of what it
 * waits for lives as long as the pipes are the same.
 *
 * Memory: the feeds, for as many as bugevents.gateways may say.
 */
#include "server/dispatcher/gateways.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "server/admission/admission.h"
#include "server/base/compat.h"
#include "server/base/settings.h"
#include "server/dispatcher/condition.h"
#include "server/dispatcher/current_config.h"
#include "server/dispatcher/feed.h"
#include "server/dispatcher/gateway_message.h"
#include "server/dispatcher/scope.h"
#include "server/dispatcher/spent.h"
#include "server/dispatcher/gateway_token.h"
#include "server/dispatcher/turn.h"
#include "server/dispatcher/verifier_process.h"
#include "storage/latch.h"

#define FEEDS_MAX BEV_GATEWAYS_MAX

static BevFeed feeds[FEEDS_MAX];
static int feed_count = 0;

/* A pipe that says something: of a gateway or, feed being NULL, of the verifier. */
typedef struct Source
{
	pgsocket fd; /* -1: it is not there */
	BevFeed *feed;
	bool is_words; /* of what it writes by itself, not of messages */
} Source;

#define SOURCES_MAX (2 * FEEDS_MAX + 2)

static WaitEventSet *wait_set = NULL;
static Source sources[SOURCES_MAX]; /* those that are in it */
static int source_count = 0;

/* ---- their stream ---- */

static void
tell_scopes(void)
{
	for (int i = 0; i < feed_count; i++)
		if (feeds[i].process.pid > 0)
			bev_feed_scope(&feeds[i], bev_admission_has_admin(i + 1));
}

void
bev_gateways_push(const BevQueueItem *item)
{
	BevQueueItem open = bev_scope_take_item(item);

	for (int i = 0; i < feed_count; i++)
		bev_feed_push(&feeds[i], item, &open);
	tell_scopes(); /* by what it says of users */
}

bool
bev_gateways_want_journal(uint64 settled)
{
	for (int i = 0; i < feed_count; i++)
		if (bev_feed_wants_journal(&feeds[i], settled))
			return true;
	return false;
}

/* Another one begins each time. */
void
bev_gateways_read(uint64 settled, uint64 dropped, uint64 floor)
{
	static int first = 0;

	for (int n = 0; n < feed_count && !bev_turn_is_long(); n++)
	{
		BevFeed *feed = &feeds[first++ % feed_count];

		if (bev_feed_wants_journal(feed, settled))
			bev_feed_read(feed, settled, dropped, floor);
	}
	first %= feed_count;
}

uint64
bev_gateways_sent(uint64 limit)
{
	uint64 sent = limit;

	for (int i = 0; i < feed_count; i++)
		if (feeds[i].streaming)
			sent = Min(sent, feeds[i].sent);
	return sent;
}

typedef void (*TellStream)(BevFeed *feed, const BevStreamMessage *stream, BevSpan past);

static void
tell_stream(BevFeed *feed, const BevServed *served, TellStream tell)
{
	BevSpan past = {(const char *) served->eras, served->era_count * sizeof(BevPastEra)};
	BevStreamMessage stream = {
		.tip = served->tip, .dropped = served->dropped, .follows = served->follows};

	strlcpy(stream.id, served->id, sizeof(stream.id));
	tell(feed, &stream, past);
}

static void
begin_feed(BevFeed *feed, const BevServed *served)
{
	tell_stream(feed, served, bev_feed_begin);
}

void
bev_gateways_begin(const BevServed *served)
{
	for (int i = 0; i < feed_count; i++)
		if (!feeds[i].retired)
			begin_feed(&feeds[i], served);
}

void
bev_gateways_rename(const BevServed *served)
{
	for (int i = 0; i < feed_count; i++)
		tell_stream(&feeds[i], served, bev_feed_rename);
}

/* ---- their coming and going ---- */

static void
forget_waits(void)
{
	if (wait_set)
		FreeWaitEventSet(wait_set);
	wait_set = NULL;
}

void
bev_gateways_stop(void)
{
	for (int i = 0; i < feed_count; i++)
		bev_feed_stop(&feeds[i]);
	feed_count = 0;
	forget_waits();
}

void
bev_gateways_replace(void)
{
	for (int i = 0; i < feed_count; i++)
		bev_feed_retire(&feeds[i]);
}

static void
tell_condition(BevFeed *feed)
{
	BevConditionMessage condition = {.keys = bev_verifier_process_has_keys(),
	                                 .behind = bev_condition_is_behind()};

	bev_feed_tell_condition(feed, &condition, bev_condition_line());
}

static void
start_feed(int i, const BevServed *served)
{
	bev_feed_start(&feeds[i], i + 1, bev_current_config());
	tell_condition(&feeds[i]);
	if (*served->id)
		begin_feed(&feeds[i], served);
	forget_waits();
}

static void
add_feeds(int wanted)
{
	while (feed_count < wanted)
	{
		feeds[feed_count++] = BEV_FEED_NONE;
	}
}

static bool
is_serving(void)
{
	return bev_enabled && (bev_serve_on_standby || !RecoveryInProgress());
}

TimestampTz
bev_gateways_look_after(const BevServed *served)
{
	int wanted = is_serving() ? bev_gateways : 0;
	TimestampTz due = bev_verifier_process_look_after(wanted > 0);

	bev_admission_review_admins();
	/* Their clients take their time to go; the others' needn't wait for that. */
	for (int i = 0; i < feed_count; i++)
		if (i >= wanted || feeds[i].retired)
			bev_feed_retire(&feeds[i]);
	add_feeds(wanted);
	for (int i = 0; i < feed_count; i++)
	{
		bev_feed_reap(&feeds[i]);
		if (i < wanted && bev_current_config() && bev_child_is_due(&feeds[i].process))
			start_feed(i, served);
		if (i < wanted && feeds[i].process.pid == 0)
			due = Min(due, feeds[i].process.not_before);
		bev_feed_announce(&feeds[i], served->dropped);
		due = Min(due, bev_listening_look_after(&feeds[i].listening, i + 1, bev_current_place()));
	}
	while (feed_count > wanted && feeds[feed_count - 1].process.pid == 0)
		feed_count--;
	return due;
}

bool
bev_gateways_any_ending(void)
{
	for (int i = 0; i < feed_count; i++)
		if (feeds[i].process.pid > 0 && (feeds[i].channel.fd < 0 || feeds[i].retired))
			return true;
	return bev_verifier_process_is_ending();
}

/* ---- what they are told ---- */

void
bev_gateways_configure(void)
{
	bev_verifier_process_configure(bev_current_keys());
	for (int i = 0; i < feed_count; i++)
		if (feeds[i].process.pid > 0)
			bev_feed_configure(&feeds[i], bev_current_config());
}

void
bev_gateways_tell_condition(void)
{
	for (int i = 0; i < feed_count; i++)
		tell_condition(&feeds[i]);
}

static void
take_opened(int gateway, const BevOpenMessage *open, const BevTokenFound *found)
{
	bev_gateway_token_opened(&feeds[gateway - 1], open, found);
}

static void
take_shown(int gateway, const BevTokenMessage *shown, const BevTokenFound *found)
{
	bev_gateway_token_shown(&feeds[gateway - 1], shown, found);
}

const BevTokenAnswers bev_gateways_tokens = {.opened = take_opened, .shown = take_shown};

void
bev_gateways_admit(int gateway, BevApplicant *who, const BevLookupFound *found)
{
	bev_gateway_token_admit(&feeds[gateway - 1], who, found);
}

void
bev_gateways_disconnect(void)
{
	BevDisconnectMessage disconnect = {0};
	int gateway;

	while (bev_admission_next_disconnect(&gateway, &disconnect))
		bev_feed_disconnect(&feeds[gateway - 1], &disconnect);
}

/* One without a stream has nothing to wait for. */
static uint64
sent_to(int gateway)
{
	const BevFeed *feed = &feeds[gateway - 1];

	if (!bev_feed_listens(feed))
		return 0;
	return feed->streaming ? feed->sent : PG_UINT64_MAX;
}

static void
send_answer(int gateway, uint32 verb, char *body, Size size)
{
	bev_feed_answer(&feeds[gateway - 1], verb, body, size);
}

const BevQuestionGateways bev_gateways_asking = {.sent = sent_to, .answer = send_answer};

void
bev_gateways_flush(void)
{
	for (int i = 0; i < feed_count; i++)
		bev_feed_flush(&feeds[i]);
	bev_verifier_process_flush();
}

/* ---- waiting for them ---- */

/* All that may be waited for, always in the same order. */
static int
list_sources(Source *list)
{
	int n = 0;

	for (int i = 0; i < feed_count; i++)
	{
		list[n++] = (Source){feeds[i].channel.fd, &feeds[i], false};
		list[n++] = (Source){feeds[i].log.words, &feeds[i], true};
	}
	list[n++] = (Source){bev_verifier_process_fd(), NULL, false};
	list[n++] = (Source){bev_verifier_process_words(), NULL, true};
	return n;
}

/* One may have ended since, wherever that showed. */
static bool
waits_are_current(void)
{
	Source now[SOURCES_MAX];

	if (wait_set == NULL || list_sources(now) != source_count)
		return false;
	for (int i = 0; i < source_count; i++)
		if (now[i].fd != sources[i].fd)
			return false;
	return true;
}

static WaitEventSet *
current_wait_set(void)
{
	if (waits_are_current())
		return wait_set;
	forget_waits();
	source_count = list_sources(sources);
	wait_set = bev_wait_event_set(SOURCES_MAX + 2);
	AddWaitEventToSet(wait_set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(wait_set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
	for (int i = 0; i < source_count; i++)
		if (sources[i].fd >= 0)
			AddWaitEventToSet(wait_set, WL_SOCKET_READABLE, sources[i].fd, NULL, &sources[i]);
	return wait_set;
}

/* What a pipe is watched for: to be read, and written where something waits. */
static int
feed_events(const BevFeed *feed)
{
	if (!bev_feed_listens(feed))
		return WL_SOCKET_WRITEABLE;
	return bev_channel_pending(&feed->channel) > 0 ? WL_SOCKET_READABLE | WL_SOCKET_WRITEABLE :
	                                                 WL_SOCKET_READABLE;
}

static int
source_events(const Source *source)
{
	if (source->is_words)
		return WL_SOCKET_READABLE;
	if (source->feed)
		return feed_events(source->feed);
	return bev_verifier_process_pending() ? WL_SOCKET_READABLE | WL_SOCKET_WRITEABLE :
	                                        WL_SOCKET_READABLE;
}

/* Their positions are 2, 3, ... */
static void
watch_sources(WaitEventSet *set)
{
	int position = 2;

	for (int i = 0; i < source_count; i++)
		if (sources[i].fd >= 0)
			ModifyWaitEvent(set, position++, source_events(&sources[i]), NULL);
}

static void
hear(const Source *source, uint64 tip)
{
	if (source->is_words && source->feed)
		bev_program_log_hear(&source->feed->log);
	else if (source->is_words)
		bev_verifier_process_hear();
	else if (source->feed)
		bev_gateway_message_receive(source->feed, tip);
	else
		bev_verifier_process_receive();
}

/* One whose pipe is full is let be: it has enough to do. */
static void
pass_spent_on(void)
{
	BevSpentMessage spent;
	struct iovec part = {&spent, sizeof(spent)};
	int teller;

	while (bev_spent_next(&teller, &spent))
		for (int i = 0; i < feed_count; i++)
			if (feeds[i].number != teller && feeds[i].channel.fd >= 0 &&
			    bev_feed_listens(&feeds[i]))
				bev_feed_send(&feeds[i], BEV_MSG_SPENT_ELSEWHERE, &part, 1);
}

bool
bev_gateways_wait(long timeout, uint64 tip)
{
	WaitEventSet *set = current_wait_set();
	WaitEvent events[SOURCES_MAX + 2];
	int n;

	watch_sources(set);
	n = WaitEventSetWait(set, timeout, events, lengthof(events), PG_WAIT_EXTENSION);
	bev_queue_awake();
	for (int i = 0; i < n; i++)
		if (events[i].user_data && (events[i].events & WL_SOCKET_READABLE))
			hear(events[i].user_data, tip);
	tell_scopes();
	pass_spent_on();
	return n > 0;
}
