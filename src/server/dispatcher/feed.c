/*
 * feed.c - what one gateway is sent, and its process.
 *
 * Model: a feed is either up to date, and takes each settled transaction from the
 * queue, or behind, and reads the journal until it is up to date again.  It falls
 * behind when its pipe is full (a gateway that is stopped or slow) or when a
 * transaction was not carried by the queue (no room, or too large).  So there is
 * one buffer for a slow gateway, its pipe, and one way to fill gaps.
 *
 * Concurrency: the dispatcher's alone.  The gateway is another process; the pipe is all that they
 * share.
 *
 * Memory: of events PIPE_FULL bytes and the message that went beyond them; BEV_FEED_FETCHES
 * requests for history.
 *
 * Trust: a gateway that asks and does not read the answers is not read from, so that it can't make
 * the dispatcher grow (test/t/331_untrusted_gateway.pl).  What it says: gateway_message.c.
 *
 * Failure: bev_feed_push must not throw, since the queue is being drained: what can't be put
 * into the pipe ends the gateway.  One that ended is started again (base/child.c), as long as
 * the settings want so many.
 *
 * Cost: a transaction is one message, copied into the pipe's buffer; one system call writes what a
 * turn put there.
 *
 * What an operator asks
 *	Why did it end?		A line of the log says what ended it, or how it ended by itself.
 *	How often?			bugevents_gateway_restarts_total, and the alert gateway_restarts.
 */
#include "server/dispatcher/feed.h"

#include <poll.h>
#include <unistd.h>

#include "server/admission/admission.h"
#include "server/dispatcher/current_config.h"
#include "server/dispatcher/program_log.h"
#include "server/dispatcher/questions.h"
#include "server/dispatcher/scope.h"
#include "server/dispatcher/spool_files.h"
#include "server/dispatcher/token_checks.h"
#include "server/dispatcher/turn.h"
#include "server/base/unix_time.h"
#include "server/base/clock.h"
#include "common/pipe/body.h"
#include "server/shared/counters.h"
#include "utils/timestamp.h"

/* A pipe with so many bytes waiting takes no more for now. */
#define PIPE_FULL (4 * 1024 * 1024)
#define FETCH_MAX (4 * 1024 * 1024)

#define RESTART_MAX  10000 /* ms */
#define STOP_TIMEOUT 3000  /* ms, for saying goodbye to the clients */

void
bev_feed_end(BevFeed *feed, const char *why)
{
	if (why)
		ereport(LOG, (errmsg("ending bugevents gateway %d (PID %d): %s", feed->number,
		                     (int) feed->process.pid, why)));
	bev_channel_close(&feed->channel);
	feed->streaming = false;
	bev_child_kill(&feed->process);
}

void
bev_feed_send(BevFeed *feed, BevMessageKind kind, const struct iovec *part, int n)
{
	if (feed->channel.fd >= 0 && !bev_channel_send(&feed->channel, kind, part, n))
		bev_feed_end(feed, "out of memory for its pipe");
}

static void
send_bytes(BevFeed *feed, BevMessageKind kind, const void *body, Size size)
{
	struct iovec part = {.iov_base = unconstify(void *, body), .iov_len = size};

	bev_feed_send(feed, kind, &part, 1);
}

static void
send_struct(BevFeed *feed, BevMessageKind kind, const void *body)
{
	send_bytes(feed, kind, body, bev_body_size(kind));
}

void
bev_feed_configure(BevFeed *feed, const char *config)
{
	send_bytes(feed, BEV_MSG_CONFIG, config, strlen(config));
	feed->configs++;
	bev_listening_want(&feed->listening, false); /* until it says that it can */
}

bool
bev_feed_listen(BevFeed *feed, uint32 config)
{
	if (config > feed->configs)
		return false;
	if (config < feed->configs)
		return true;
	bev_listening_want(&feed->listening, true);
	(void) bev_listening_look_after(&feed->listening, feed->number, bev_current_place());
	return true;
}

void
bev_feed_tell_condition(BevFeed *feed, const BevConditionMessage *condition, const char *text)
{
	struct iovec part[2] = {{unconstify(BevConditionMessage *, condition), sizeof(*condition)},
	                        {unconstify(char *, text), strlen(text)}};

	bev_feed_send(feed, BEV_MSG_CONDITION, part, 2);
}

void
bev_feed_start(BevFeed *feed, int number, const char *config)
{
	BevChild process = feed->process;
	char text[12];
	char *argv[] = {"bugevents-gateway", text, NULL};
	BevListening listening = feed->listening;
	int theirs = bev_listening_begin(&listening);
	BevSpawnEnds ends;
	bool started;

	process.longest = RESTART_MAX;
	snprintf(text, sizeof(text), "%d", number);
	started = bev_child_start(&process, psprintf("gateway %d", number), argv, theirs, true, &ends);
	if (theirs >= 0)
		close(theirs);
	if (!started)
	{
		bev_listening_end(&listening);
		feed->process = process;
		return;
	}
	*feed =
		(BevFeed){.number = number, .process = process, .log = feed->log, .listening = listening};
	bev_program_log_begin(&feed->log, psprintf("gateway %d", number), ends.words);
	bev_channel_open(&feed->channel, ends.pipe, BEV_MESSAGE_MAX_UP);
	bev_feed_configure(feed, config);
}

static void
tell_scope(BevFeed *feed)
{
	BevScopeMessage scope = {.after = feed->sent, .whole = feed->whole};

	send_struct(feed, BEV_MSG_SCOPE, &scope);
	feed->announced = feed->sent; /* by it */
}

void
bev_feed_scope(BevFeed *feed, bool whole)
{
	if (feed->whole == whole)
		return;
	feed->whole = whole;
	if (feed->streaming)
		tell_scope(feed);
}

static void
send_stream(BevFeed *feed, const BevStreamMessage *stream, BevSpan past)
{
	struct iovec part[] = {{unconstify(BevStreamMessage *, stream), sizeof(*stream)},
	                       {unconstify(char *, past.data), past.len}};

	bev_feed_send(feed, BEV_MSG_STREAM, part, 2);
	feed->announced = stream->tip;
	feed->dropped = stream->dropped;
}

void
bev_feed_begin(BevFeed *feed, const BevStreamMessage *stream, BevSpan past)
{
	send_stream(feed, stream, past);
	feed->sent = stream->tip;
	feed->streaming = true;
	if (feed->whole)
		tell_scope(feed);
}

void
bev_feed_rename(BevFeed *feed, const BevStreamMessage *stream, BevSpan past)
{
	BevStreamMessage here = *stream;

	if (!feed->streaming)
		return;
	here.tip = feed->sent;
	send_stream(feed, &here, past);
	if (feed->whole)
		tell_scope(feed);
}

static bool
pipe_is_full(const BevFeed *feed)
{
	return bev_channel_pending(&feed->channel) >= PIPE_FULL;
}

void
bev_feed_push(BevFeed *feed, const BevQueueItem *whole, const BevQueueItem *open)
{
	const BevQueueItem *item = feed->whole ? whole : open;
	BevEventsMessage events;
	struct iovec part[3];

	if (!feed->streaming || item->first_seq != feed->sent + 1)
		return;
	if (item->committed && (!item->carried || pipe_is_full(feed)))
		return;
	feed->sent = item->first_seq + item->n - 1;
	if (!item->committed)
		return;

	events = (BevEventsMessage){.count = item->n,
	                            .first_seq = item->first_seq,
	                            .tx_n = 1,
	                            .tx_of = item->n,
	                            .xid = item->xid,
	                            .at = BEV_TO_UNIX_TIME(item->at)};
	part[0] = (struct iovec){&events, sizeof(events)};
	for (int i = 0; i < 2; i++)
		part[i + 1] = (struct iovec){unconstify(char *, item->part[i]), item->part_size[i]};
	bev_feed_send(feed, BEV_MSG_EVENTS, part, 3);
	feed->announced = feed->sent;
}

/* Where the events of a journal read go. */
typedef struct Reading
{
	BevFeed *feed;
	uint32 request;
	uint64 *sent; /* moves with them: an error in between takes none of them back */
	Size left;    /* bytes that may still be sent */
} Reading;

static bool
send_run(void *arg, const BevJournalRun *run)
{
	Reading *reading = arg;
	BevEventsMessage events = {.request = reading->request,
	                           .count = run->count,
	                           .first_seq = run->first_seq,
	                           .tx_n = run->tx_n,
	                           .tx_of = run->tx_of,
	                           .xid = run->xid,
	                           .at = BEV_TO_UNIX_TIME(run->at)};
	BevSpan records = {run->records, (uint32) run->size};
	BevSpan open;
	struct iovec part[2] = {{&events, sizeof(events)}};

	if (!bev_scope_take(run->first_seq, records, run->count, &open))
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	if (!reading->feed->whole)
		records = open;
	part[1] = (struct iovec){unconstify(char *, records.data), records.len};
	bev_turn_moved(run->size);
	bev_feed_send(reading->feed, BEV_MSG_EVENTS, part, 2);
	*reading->sent = run->first_seq + run->count - 1;
	reading->left -= Min(reading->left, run->size);
	return reading->left > 0 && reading->feed->channel.fd >= 0;
}

bool
bev_feed_wants_journal(const BevFeed *feed, uint64 settled)
{
	return feed->streaming && !pipe_is_full(feed) &&
	       (feed->sent < settled || feed->fetch_count > 0);
}

static void
catch_up(BevFeed *feed, uint64 settled, uint64 dropped)
{
	Reading reading = {.feed = feed, .sent = &feed->sent, .left = PIPE_FULL / 2};

	/* Its clients have to be told; begun anew, it tells those who come back. */
	if (feed->sent < dropped)
	{
		bev_feed_end(feed, "it is farther behind than the journal goes back");
		return;
	}
	feed->sent = bev_journal_read(feed->sent, settled, &feed->place, send_run, &reading);
	bev_feed_announce(feed, dropped);
}

static void
answer_fetch(BevFeed *feed, uint64 dropped)
{
	BevFetchMessage *fetch = &feed->fetches[0];
	Reading reading = {.feed = feed,
	                   .request = fetch->request,
	                   .sent = &fetch->after,
	                   .left = Max(1, Min(fetch->max_bytes, FETCH_MAX))};
	BevFetchedMessage fetched = {.request = fetch->request,
	                             .result = fetch->after < dropped ? BEV_FETCH_GONE : BEV_FETCH_OK,
	                             .covered = fetch->after,
	                             .dropped = dropped};

	if (fetched.result == BEV_FETCH_OK)
		fetched.covered =
			bev_journal_read(fetch->after, fetch->upto, &feed->fetch_place, send_run, &reading);
	send_struct(feed, BEV_MSG_FETCHED, &fetched);
	feed->fetch_count--;
	memmove(&feed->fetches[0], &feed->fetches[1], feed->fetch_count * sizeof(BevFetchMessage));
}

/* Not before floor, but what is gone, which is said at once. */
static bool
can_read(uint64 after, uint64 dropped, uint64 floor)
{
	return after >= floor || after < dropped;
}

void
bev_feed_read(BevFeed *feed, uint64 settled, uint64 dropped, uint64 floor)
{
	if (feed->sent < settled && can_read(feed->sent, dropped, floor))
		catch_up(feed, settled, dropped);
	if (feed->fetch_count > 0 && can_read(feed->fetches[0].after, dropped, floor))
		answer_fetch(feed, dropped);
}

void
bev_feed_announce(BevFeed *feed, uint64 dropped)
{
	BevProgressMessage progress = {.tip = feed->sent, .dropped = dropped};

	if (!feed->streaming || (feed->announced == feed->sent && feed->dropped == dropped))
		return;
	send_struct(feed, BEV_MSG_PROGRESS, &progress);
	feed->announced = feed->sent;
	feed->dropped = dropped;
}

bool
bev_feed_listens(const BevFeed *feed)
{
	return !pipe_is_full(feed);
}

void
bev_feed_flush(BevFeed *feed)
{
	/* The end shows on the reading side too, after its last messages, if we read. */
	if (feed->channel.fd >= 0 && bev_channel_flush(&feed->channel) < 0 && !bev_feed_listens(feed))
		bev_feed_end(feed, NULL);
}

/* Rows, as a gateway without admins may have them. */
static void
answer_open(BevFeed *feed, const BevAnswerMessage *answer, BevSpan rest)
{
	struct iovec part[3] = {{unconstify(BevAnswerMessage *, answer), sizeof(*answer)}};
	BevSpan records = rest;
	BevSpan open;
	BevEvent event;

	for (uint32 i = 0; i < answer->count && bev_body_next_record(&rest, &event); i++)
		;
	records.len -= rest.len;
	if (!bev_scope_conceal(records, answer->count, &open))
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	part[1] = (struct iovec){unconstify(char *, open.data), open.len};
	part[2] = (struct iovec){unconstify(char *, rest.data), rest.len};
	bev_feed_send(feed, BEV_MSG_ANSWER, part, 3);
}

/* Others are what their asker may see. */
static bool
is_for_all(uint32 verb)
{
	return verb == BEV_VERB_STATE || verb == BEV_VERB_SPOOLED;
}

void
bev_feed_answer(BevFeed *feed, uint32 verb, char *body, Size size)
{
	BevMessage message = {.kind = BEV_MSG_ANSWER, .size = (uint32) size, .body = body};
	BevAnswerMessage answer;
	BevSpan rest;

	if (!feed->whole && is_for_all(verb) &&
	    bev_body_read(&message, &answer, sizeof(answer), &rest) && answer.kind == BEV_ANSWER_ROWS)
		answer_open(feed, &answer, rest);
	else
		send_bytes(feed, BEV_MSG_ANSWER, body, size);
}

void
bev_feed_answer_error(BevFeed *feed, uint64 client, uint32 request, const char *code, BevSpan text)
{
	BevAnswerMessage answer = {.client = client, .request = request, .kind = BEV_ANSWER_ERROR};
	struct iovec part[2] = {{&answer, sizeof(answer)}, {unconstify(char *, text.data), text.len}};

	strlcpy(answer.code, code, sizeof(answer.code));
	bev_feed_send(feed, BEV_MSG_ANSWER, part, 2);
}

void
bev_feed_disconnect(BevFeed *feed, const BevDisconnectMessage *disconnect)
{
	send_struct(feed, BEV_MSG_DISCONNECT, disconnect);
}

static bool
wait_for_end(BevFeed *feed, int timeout)
{
	TimestampTz end = bev_clock_ahead(timeout);
	int status;

	while (!bev_child_ended(&feed->process, &status))
	{
		struct pollfd wait = {.fd = feed->channel.fd, .events = POLLIN};

		if (bev_clock_has_come(end, timeout))
			return false;
		if (feed->channel.fd >= 0)
			bev_channel_flush(&feed->channel);
		bev_program_log_hear(&feed->log);

		/* Its last words wake us, and so does its end; then it is soon reaped. */
		poll(&wait, feed->channel.fd >= 0 ? 1 : 0, 10);
		if (feed->channel.fd >= 0 && bev_channel_receive(&feed->channel, BEV_MESSAGE_MAX_UP) < 0)
			bev_channel_close(&feed->channel);
	}
	return true;
}

/* It is gone, and so are its clients. */
static void
forget_gateway(BevFeed *feed)
{
	bev_channel_close(&feed->channel);
	bev_listening_end(&feed->listening);
	bev_program_log_end(&feed->log);
	feed->streaming = false;
	feed->retired = false;
	bev_admission_forget(feed->number);
	bev_token_checks_forget(feed->number);
	bev_lookup_forget(feed->number);
	bev_questions_forget(feed->number);
	bev_spool_files_forget(feed->number);
}

void
bev_feed_stop(BevFeed *feed)
{
	if (feed->process.pid == 0)
		return;
	bev_feed_send(feed, BEV_MSG_SHUTDOWN, NULL, 0);
	if (!wait_for_end(feed, STOP_TIMEOUT))
	{
		bev_child_kill(&feed->process);
		wait_for_end(feed, STOP_TIMEOUT);
	}
	forget_gateway(feed);
}

void
bev_feed_retire(BevFeed *feed)
{
	if (feed->process.pid == 0)
		return;
	if (!feed->retired)
	{
		bev_feed_send(feed, BEV_MSG_SHUTDOWN, NULL, 0);
		bev_feed_flush(feed);
		feed->streaming = false;
		feed->retired = true;
		feed->kill_at = bev_clock_ahead(STOP_TIMEOUT);
	}
	else if (bev_clock_has_come(feed->kill_at, STOP_TIMEOUT))
		bev_child_kill(&feed->process);
}

void
bev_feed_reap(BevFeed *feed)
{
	pid_t pid = feed->process.pid;
	int status;
	char *how;

	if (!bev_child_ended(&feed->process, &status))
		return;
	if (feed->retired)
	{
		forget_gateway(feed);
		return;
	}
	bev_program_log_end(&feed->log); /* its last words come first */
	bev_counters_add(BEV_COUNT_RESTARTS, 1);
	how = wait_result_to_str(status);
	ereport(LOG, (errmsg("bugevents gateway %d (PID %d) ended: %s", feed->number, (int) pid, how),
	              errdetail("It will be started again in %d ms.", feed->process.delay)));
	pfree(how);
	forget_gateway(feed);
}
