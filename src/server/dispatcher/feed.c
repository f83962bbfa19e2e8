/*
 * feed.c - what one gateway is sent, and what it asks for.
 *
 * Model: a feed is either up to date, and takes each settled transaction from the
 * queue, or behind, and reads the journal until it is up to date again.  It falls
 * behind when its pipe is full (a gateway that is stopped or slow) or when a
 * transaction was not carried by the queue (no room, or too large).  So there is
 * no buffer for slow gateways beyond PIPE_FULL bytes, and no second way to fill
 * gaps.
 *
 * Trust: what a gateway says is checked byte by byte (common/pipe/body.c, and here what
 * depends on the state); one that breaks the rules of message.h is killed and
 * started again.  One that asks and does not read the answers is not read from,
 * so that it can't make the dispatcher grow.
 *
 * Failure: be_feed_push must not throw, since the queue is being drained.
 */
#include "server/dispatcher/feed.h"

#include <poll.h>
#include <signal.h>

#include "server/admission/admission.h"
#include "server/dispatcher/gateway_log.h"
#include "server/dispatcher/questions.h"
#include "server/dispatcher/security.h"
#include "server/admission/lookup.h"
#include "server/base/unix_time.h"
#include "common/event/event.h"
#include "server/base/spawn.h"
#include "mb/pg_wchar.h"
#include "common/pipe/body.h"
#include "server/shared/counters.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* A pipe with so many bytes waiting takes no more for now. */
#define PIPE_FULL		(4 * 1024 * 1024)
#define FETCH_MAX		(4 * 1024 * 1024)

#define RESTART_FIRST	100		/* ms */
#define RESTART_MAX		10000
#define STOP_TIMEOUT	3000	/* ms, for saying goodbye to the clients */

/* End a gateway that can't go on; be_feed_reap will find it dead. */
static void
end_gateway(BeFeed *feed, const char *why)
{
	if (why)
		ereport(LOG,
				(errmsg("ending bugevents gateway %d (PID %d): %s",
						feed->number, (int) feed->pid, why)));
	be_channel_close(&feed->channel);
	feed->streaming = false;
	if (feed->pid > 0)
		kill(feed->pid, SIGKILL);
}

static void
send_message(BeFeed *feed, BeMessageKind kind, const struct iovec *part, int n)
{
	if (feed->channel.fd >= 0 &&
		!be_channel_send(&feed->channel, kind, part, n))
		end_gateway(feed, "out of memory for its pipe");
}

static void
send_struct(BeFeed *feed, BeMessageKind kind, void *body, Size size)
{
	struct iovec part = {.iov_base = body, .iov_len = size};

	send_message(feed, kind, &part, 1);
}

void
be_feed_configure(BeFeed *feed, const char *config)
{
	struct iovec part = {.iov_base = unconstify(char *, config),
	.iov_len = strlen(config)};

	send_message(feed, BE_MSG_CONFIG, &part, 1);
}

static void
restart_later(BeFeed *feed)
{
	bool		lived = feed->started != 0 &&
		TimestampDifferenceExceeds(feed->started, GetCurrentTimestamp(), RESTART_MAX);

	feed->restart_delay = lived || feed->restart_delay == 0 ? RESTART_FIRST :
		Min(feed->restart_delay * 2, RESTART_MAX);
	feed->restart_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
												   feed->restart_delay);
}

void
be_feed_start(BeFeed *feed, int number, const char *config)
{
	char		text[12];
	char	   *argv[] = {"bugevents-gateway", text, NULL};
	int			fd;
	pid_t		pid;

	snprintf(text, sizeof(text), "%d", number);
	pid = be_spawn(argv, -1, true, &fd);
	if (pid < 0)
	{
		ereport(LOG, (errmsg("could not start bugevents gateway %d: %m", number)));
		feed->number = number;
		restart_later(feed);
		return;
	}
	*feed = (BeFeed) {
		.number = number,
		.pid = pid,
		.started = GetCurrentTimestamp(),
		.restart_delay = feed->restart_delay,
		.status = feed->status
	};
	be_gateway_log_begin(feed);
	be_channel_open(&feed->channel, fd, BE_MESSAGE_MAX_UP);
	be_feed_configure(feed, config);
}

void
be_feed_begin(BeFeed *feed, const char *stream_id, uint64 tip, uint64 dropped)
{
	BeStreamMessage stream = {.tip = tip, .dropped = dropped};

	strlcpy(stream.id, stream_id, sizeof(stream.id));
	send_struct(feed, BE_MSG_STREAM, &stream, sizeof(stream));
	feed->sent = feed->announced = tip;
	feed->dropped = dropped;
	feed->streaming = true;
}

static bool
pipe_is_full(const BeFeed *feed)
{
	return be_channel_pending(&feed->channel) >= PIPE_FULL;
}

void
be_feed_push(BeFeed *feed, const BeQueueItem *item)
{
	BeEventsMessage events;
	struct iovec part[3];

	if (!feed->streaming || item->first_seq != feed->sent + 1)
		return;
	if (item->committed && (!item->carried || pipe_is_full(feed)))
		return;
	feed->sent = item->first_seq + item->n - 1;
	if (!item->committed)
		return;

	events = (BeEventsMessage) {
		.count = item->n,
		.first_seq = item->first_seq,
		.tx_n = 1,
		.tx_of = item->n,
		.xid = item->xid,
		.at = BE_TO_UNIX_TIME(item->at)
	};
	part[0] = (struct iovec) {&events, sizeof(events)};
	for (int i = 0; i < 2; i++)
		part[i + 1] = (struct iovec) {unconstify(char *, item->part[i]), item->part_size[i]};
	send_message(feed, BE_MSG_EVENTS, part, 3);
	feed->announced = feed->sent;
}

/* Where the events of a journal read go. */
typedef struct Reading
{
	BeFeed	   *feed;
	uint32		request;
	Size		left;			/* bytes that may still be sent */
} Reading;

static bool
send_run(void *arg, const BeJournalRun *run)
{
	Reading    *reading = arg;
	BeEventsMessage events = {
		.request = reading->request,
		.count = run->count,
		.first_seq = run->first_seq,
		.tx_n = run->tx_n,
		.tx_of = run->tx_of,
		.xid = run->xid,
		.at = BE_TO_UNIX_TIME(run->at)
	};
	struct iovec part[2] = {
		{&events, sizeof(events)},
		{unconstify(char *, run->records), run->size}
	};

	send_message(reading->feed, BE_MSG_EVENTS, part, 2);
	reading->left -= Min(reading->left, run->size);
	return reading->left > 0 && reading->feed->channel.fd >= 0;
}

bool
be_feed_wants_journal(const BeFeed *feed, uint64 settled)
{
	return feed->streaming && !pipe_is_full(feed) &&
		(feed->sent < settled || feed->fetch_count > 0);
}

static void
catch_up(BeFeed *feed, uint64 settled, uint64 dropped)
{
	Reading		reading = {.feed = feed, .left = PIPE_FULL / 2};

	/* Its clients have to be told; begun anew, it tells those who come back. */
	if (feed->sent < dropped)
	{
		end_gateway(feed, "it is farther behind than the journal goes back");
		return;
	}
	feed->sent = be_journal_read(feed->sent, settled, &feed->place,
								 send_run, &reading);
	be_feed_announce(feed, dropped);
}

static void
answer_fetch(BeFeed *feed, uint64 dropped)
{
	BeFetchMessage *fetch = &feed->fetches[0];
	Reading		reading = {
		.feed = feed,
		.request = fetch->request,
		.left = Max(1, Min(fetch->max_bytes, FETCH_MAX))
	};
	BeFetchedMessage fetched = {
		.request = fetch->request,
		.result = fetch->after < dropped ? BE_FETCH_GONE : BE_FETCH_OK,
		.covered = fetch->after,
		.dropped = dropped
	};

	if (fetched.result == BE_FETCH_OK)
		fetched.covered = be_journal_read(fetch->after, fetch->upto,
										  &feed->fetch_place, send_run, &reading);
	send_struct(feed, BE_MSG_FETCHED, &fetched, sizeof(fetched));
	feed->fetch_count--;
	memmove(&feed->fetches[0], &feed->fetches[1],
			feed->fetch_count * sizeof(BeFetchMessage));
}

void
be_feed_read(BeFeed *feed, uint64 settled, uint64 dropped)
{
	if (feed->sent < settled)
		catch_up(feed, settled, dropped);
	if (feed->fetch_count > 0)
		answer_fetch(feed, dropped);
}

void
be_feed_announce(BeFeed *feed, uint64 dropped)
{
	BeProgressMessage progress = {.tip = feed->sent, .dropped = dropped};

	if (!feed->streaming ||
		(feed->announced == feed->sent && feed->dropped == dropped))
		return;
	send_struct(feed, BE_MSG_PROGRESS, &progress, sizeof(progress));
	feed->announced = feed->sent;
	feed->dropped = dropped;
}

bool
be_feed_listens(const BeFeed *feed)
{
	return !pipe_is_full(feed);
}

void
be_feed_flush(BeFeed *feed)
{
	/* The end shows on the reading side too, after its last messages, if we read. */
	if (feed->channel.fd >= 0 && be_channel_flush(&feed->channel) < 0 &&
		!be_feed_listens(feed))
		end_gateway(feed, NULL);
}

static bool
take_hello(BeFeed *feed, const BeMessage *message)
{
	BeHelloMessage hello;

	if (feed->greeted || !be_body_hello(message, &hello))
		return false;
	feed->greeted = true;
	return true;
}

static bool
take_fetch(BeFeed *feed, const BeMessage *message, uint64 settled)
{
	BeFetchMessage fetch;

	if (!be_body_fetch(message, &fetch) || fetch.upto > settled ||
		!feed->streaming || feed->fetch_count == BE_FEED_FETCHES)
		return false;
	feed->fetches[feed->fetch_count++] = fetch;
	return true;
}

/* What a session will be shown has to be text in each encoding. */
static bool
is_utf8(const char *text)
{
	int			len = (int) strlen(text);

	return pg_encoding_verifymbstr(PG_UTF8, text, len) == len;
}

static bool
take_open(BeFeed *feed, const BeMessage *message)
{
	BeOpenMessage open;

	if (!be_body_open(message, &open) || !is_utf8(open.id) || !is_utf8(open.user) ||
		!is_utf8(open.role) || !is_utf8(open.address))
		return false;
	be_lookup_add(feed->number, &open);
	return true;
}

void
be_feed_admit(BeFeed *feed, const BeOpenMessage *open, uint64 as_of,
			  const BeRosterEntry *entry, int unread)
{
	BeAdmitMessage admit = {.client = open->client,.unread = unread,.as_of = as_of};
	BeVerdict	verdict = BE_NOT_LOOKED_UP;
	struct iovec part[2] = {{&admit, sizeof(admit)}};

	if (feed->channel.fd < 0)
		return;
	if (entry && !be_admission_open(feed->number, open, &verdict))
	{
		end_gateway(feed, "it broke the protocol of the pipe");
		return;
	}
	if (verdict != BE_ADMITTED)
		be_admission_refused(feed->number, open, verdict);
	admit.verdict = verdict;
	if (entry)
		part[1] = (struct iovec) {entry->access.data, entry->access.len};
	send_message(feed, BE_MSG_ADMIT, part, entry ? 2 : 1);
}

static bool
take_role(BeFeed *feed, const BeMessage *message)
{
	BeRoleMessage role;

	return be_body_role(message, &role) && is_utf8(role.role) &&
		be_admission_role(feed->number, &role);
}

static bool
take_interest(BeFeed *feed, const BeMessage *message)
{
	BeInterestMessage who;
	BeSpan		interest;
	BeSpan		rest;
	BeInterest	one;

	if (!be_body_interest(message, &who, &interest))
		return false;
	rest = interest;
	while (be_interest_next(&rest, &one))
		if (!is_utf8(one.value))
			return false;
	return be_admission_interest(feed->number, who.client, interest);
}

static bool
take_closed(BeFeed *feed, const BeMessage *message)
{
	BeClosedMessage closed;

	return be_body_closed(message, &closed) &&
		be_admission_close(feed->number, &closed);
}

static bool
take_clients(BeFeed *feed, const BeMessage *message)
{
	BeClientsMessage report;
	int			count = be_body_reports(message);

	for (int i = 0; i < count; i++)
	{
		be_body_report(message, i, &report);
		if (!be_admission_report(feed->number, &report))
			return false;
	}
	return count >= 0;
}

/* A counter can't fall, nor pass what a century could count. */
static bool
take_counters(BeFeed *feed, const BeMessage *message)
{
	uint64		counter[BE_COUNTER_KINDS];

	if (!be_body_counters(message, counter))
		return false;
	for (int i = 0; i < BE_COUNTER_KINDS; i++)
		if (counter[i] < feed->counter[i] || counter[i] > PG_INT64_MAX)
			return false;
	for (int i = 0; i < BE_COUNTER_KINDS; i++)
		be_counters_add(i, counter[i] - feed->counter[i]);
	memcpy(feed->counter, counter, sizeof(feed->counter));
	return true;
}

static bool
take_suspect(BeFeed *feed, const BeMessage *message)
{
	BeSuspectMessage suspect;

	if (!be_body_suspect(message, &suspect))
		return false;
	be_security_note(feed->number, &suspect);
	return true;
}

static void
refuse_question(BeFeed *feed, const BeAskMessage *ask)
{
	static char text[] = "too many requests wait for their answers";
	BeAnswerMessage answer = {
		.client = ask->client,
		.request = ask->request,
		.kind = BE_ANSWER_ERROR
	};

	struct iovec part[2] = {{&answer, sizeof(answer)}, {text, sizeof(text) - 1}};

	strlcpy(answer.code, "rate_limited", sizeof(answer.code));
	send_message(feed, BE_MSG_ANSWER, part, 2);
}

static bool
take_ask(BeFeed *feed, const BeMessage *message)
{
	BeAskMessage ask;
	BeSpan		payload;
	BeClient	client;

	memset(&client, 0, sizeof(client));
	if (!be_body_ask(message, &ask, &payload) ||
		(ask.verb != BE_VERB_METRICS &&
		 !be_admission_who(feed->number, ask.client, &client)))
		return false;
	if (!be_questions_add(feed->number, &ask, payload, client.user, client.role))
		refuse_question(feed, &ask);
	return true;
}

void
be_feed_answer(BeFeed *feed, char *body, Size size)
{
	send_struct(feed, BE_MSG_ANSWER, body, size);
}

void
be_feed_disconnect(BeFeed *feed, const BeDisconnectMessage *disconnect)
{
	send_struct(feed, BE_MSG_DISCONNECT, unconstify(BeDisconnectMessage *, disconnect),
				sizeof(*disconnect));
}

static bool
take_message(BeFeed *feed, const BeMessage *message, uint64 settled)
{
	if (message->kind == BE_MSG_HELLO)
		return take_hello(feed, message);
	if (!feed->greeted)
		return false;
	switch (message->kind)
	{
		case BE_MSG_LISTENING:
			return be_gateway_log_listening(feed, message);
		case BE_MSG_LOG:
			return be_gateway_log_line(feed, message);
		case BE_MSG_STATUS:
			return be_gateway_log_status(feed, message);
		case BE_MSG_FETCH:
			return take_fetch(feed, message, settled);
		case BE_MSG_OPEN:
			return take_open(feed, message);
		case BE_MSG_CLOSED:
			return take_closed(feed, message);
		case BE_MSG_CLIENTS:
			return take_clients(feed, message);
		case BE_MSG_ASK:
			return take_ask(feed, message);
		case BE_MSG_SUSPECT:
			return take_suspect(feed, message);
		case BE_MSG_SLOW:
			return be_gateway_log_slow(feed, message);
		case BE_MSG_COUNTERS:
			return take_counters(feed, message);
		case BE_MSG_ROLE:
			return take_role(feed, message);
		case BE_MSG_INTEREST:
			return take_interest(feed, message);
		default:
			return false;
	}
}

void
be_feed_receive(BeFeed *feed, uint64 settled)
{
	BeMessage	message;
	long		received;
	int			result = 0;

	if (feed->channel.fd < 0)
		return;
	received = be_channel_receive(&feed->channel, BE_MESSAGE_MAX_UP);
	while (feed->channel.fd >= 0 &&
		   (result = be_channel_next(&feed->channel, &message)) > 0)
	{
		if (!take_message(feed, &message, settled))
		{
			result = -1;
			break;
		}
	}
	if (result < 0)
		end_gateway(feed, "it broke the protocol of the pipe");
	else if (received < 0)
		end_gateway(feed, NULL);
}

static bool
wait_for_end(BeFeed *feed, int timeout, int *status)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), timeout);

	while (!be_spawn_ended(feed->pid, status))
	{
		struct pollfd wait = {.fd = feed->channel.fd, .events = POLLIN};

		if (GetCurrentTimestamp() >= end)
			return false;
		if (feed->channel.fd >= 0)
			be_channel_flush(&feed->channel);

		/* Its last words wake us, and so does its end; then it is soon reaped. */
		poll(&wait, feed->channel.fd >= 0 ? 1 : 0, 10);
		if (feed->channel.fd >= 0 &&
			be_channel_receive(&feed->channel, BE_MESSAGE_MAX_UP) < 0)
			be_channel_close(&feed->channel);
	}
	return true;
}

/* It is gone, and so are its clients. */
static void
forget_gateway(BeFeed *feed)
{
	be_channel_close(&feed->channel);
	feed->pid = 0;
	feed->streaming = false;
	be_admission_forget(feed->number);
	be_questions_forget(feed->number);
}

void
be_feed_stop(BeFeed *feed)
{
	int			status;

	if (feed->pid <= 0)
		return;
	send_message(feed, BE_MSG_SHUTDOWN, NULL, 0);
	if (!wait_for_end(feed, STOP_TIMEOUT, &status))
	{
		kill(feed->pid, SIGKILL);
		wait_for_end(feed, STOP_TIMEOUT, &status);
	}
	forget_gateway(feed);
}

void
be_feed_reap(BeFeed *feed)
{
	int			status;
	char	   *how;

	if (feed->pid <= 0 || !be_spawn_ended(feed->pid, &status))
		return;
	restart_later(feed);
	be_counters_add(BE_COUNT_RESTARTS, 1);
	how = wait_result_to_str(status);
	ereport(LOG,
			(errmsg("bugevents gateway %d (PID %d) ended: %s",
					feed->number, (int) feed->pid, how),
			 errdetail("It will be started again in %d ms.", feed->restart_delay)));
	pfree(how);
	forget_gateway(feed);
}
