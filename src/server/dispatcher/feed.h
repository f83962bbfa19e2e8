/*
 * feed.h - what one gateway is sent, and what it asks for.
 *
 * A feed is the dispatcher's view of a gateway: the child process, the pipe, and
 * the seq up to which the stream was put into it.
 */
#ifndef BE_SERVER_DISPATCHER_FEED_H
#define BE_SERVER_DISPATCHER_FEED_H

#include "postgres.h"

#include "server/users/user_lookup.h"
#include "datatype/timestamp.h"
#include "server/journal/journal_reader.h"
#include "common/pipe/bucket.h"
#include "common/pipe/channel.h"
#include "common/pipe/counter.h"
#include "common/pipe/message.h"
#include "server/queue/queue.h"

/* Requests that a gateway may have open; more is a broken gateway. */
#define BE_FEED_FETCHES	64

typedef struct BeFeed
{
	int			number;			/* from 1 */
	pid_t		pid;			/* 0: not running */
	BeChannel	channel;
	bool		greeted;		/* HELLO came */
	bool		streaming;		/* STREAM was sent */

	uint64		sent;			/* the stream up to here is in the channel */
	uint64		announced;		/* it knows this tip */
	uint64		dropped;		/* and this end of the history */
	BeJournalPlace place;		/* of reading what it missed */

	BeFetchMessage fetches[BE_FEED_FETCHES];
	int			fetch_count;
	BeJournalPlace fetch_place;

	TimestampTz started;
	TimestampTz restart_at;		/* when it is not running */
	int			restart_delay;	/* ms */
	char	   *status;			/* what it said last of its configuration */
	uint64		counter[BE_COUNTER_KINDS];	/* what it counted up to now */
	BeBucket	lines;			/* that it may write to the log */
	uint64		lines_dropped;
} BeFeed;

/* Start the gateway; config is the body of the first CONFIG. */
extern void be_feed_start(BeFeed *feed, int number, const char *config);

/* A changed configuration. */
extern void be_feed_configure(BeFeed *feed, const char *config);

/*
 * The stream begins for this gateway behind tip; history up to dropped is gone,
 * here and below.
 */
extern void be_feed_begin(BeFeed *feed, const char *stream_id, uint64 tip,
						  uint64 dropped);

/*
 * A settled transaction.  A feed that is behind, or whose pipe is full, doesn't
 * take it: it will come from the journal.
 */
extern void be_feed_push(BeFeed *feed, const BeQueueItem *item);

/*
 * Is there something to read from the journal for it, and room in its pipe?
 * be_feed_read does that, within a transaction with an active snapshot: what it
 * missed up to settled, and one of its requests.
 */
extern bool be_feed_wants_journal(const BeFeed *feed, uint64 settled);
extern void be_feed_read(BeFeed *feed, uint64 settled, uint64 dropped);

/* The body of an ANSWER to one of its questions. */
extern void be_feed_answer(BeFeed *feed, char *body, Size size);

/* Close one of its clients. */
extern void be_feed_disconnect(BeFeed *feed, const BeDisconnectMessage *disconnect);

/* Say where the stream stands, as far as that isn't known from events. */
extern void be_feed_announce(BeFeed *feed, uint64 dropped);

/* Write to the pipe, read from it.  A gateway that is gone or broken is ended. */
extern void be_feed_flush(BeFeed *feed);
extern void be_feed_receive(BeFeed *feed, uint64 settled);

/* False while its pipe is full: who does not read is not read from. */
extern bool be_feed_listens(const BeFeed *feed);

/* Answer an OPEN of this gateway with what was found out (lookup.h). */
extern void be_feed_admit(BeFeed *feed, const BeOpenMessage *open, uint64 as_of,
						  const BeRosterEntry *entry, int unread);

/* Say SHUTDOWN, wait for the end, kill it if it takes too long. */
extern void be_feed_stop(BeFeed *feed);

/* Did it end by itself?  Then log it and say when it is to be started again. */
extern void be_feed_reap(BeFeed *feed);

#endif							/* BE_SERVER_DISPATCHER_FEED_H */
