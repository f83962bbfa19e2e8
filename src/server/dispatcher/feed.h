/*
 * feed.h - what one gateway is sent, and its process.
 *
 * A feed is the dispatcher's view of a gateway: the child process, the pipe, and
 * the seq up to which the stream was put into it.
 */
#ifndef BEV_SERVER_DISPATCHER_FEED_H
#define BEV_SERVER_DISPATCHER_FEED_H

#include "postgres.h"

#include "server/base/child.h"
#include "server/dispatcher/listening.h"
#include "server/dispatcher/lookup.h"
#include "server/dispatcher/program_log.h"
#include "server/journal/journal_reader.h"
#include "common/pipe/channel.h"
#include "common/pipe/counter.h"
#include "common/pipe/message.h"
#include "server/queue/queue.h"

/* Requests that a gateway may have open; more is a broken gateway. */
#define BEV_FEED_FETCHES 64

typedef struct BevFeed
{
	int number; /* from 1 */
	BevChild process;
	BevChannel channel;
	bool greeted;        /* HELLO came */
	bool retired;        /* it was told to end */
	TimestampTz kill_at; /* then */
	bool streaming;      /* STREAM was sent */
	bool whole;          /* it is sent what is for admins (scope.h) */

	uint64 sent;           /* the stream up to here is in the channel */
	uint64 announced;      /* it knows this tip */
	uint64 dropped;        /* and this end of the history */
	BevJournalPlace place; /* of reading what it missed */

	BevFetchMessage fetches[BEV_FEED_FETCHES];
	int fetch_count;
	BevJournalPlace fetch_place;

	int opens;  /* OPEN and AGAIN that wait for their answers */
	int tokens; /* the same of TOKEN */

	uint64 counter[BEV_COUNTER_KINDS]; /* what it counted up to now */
	BevProgramLog log;

	uint32 configs; /* CONFIGs that it was sent */
	BevListening listening;
} BevFeed;

/* One that was not started yet. */
#define BEV_FEED_NONE \
	((BevFeed){.channel.fd = -1, .log = BEV_PROGRAM_LOG_NONE, .listening = BEV_LISTENING_NONE})

/* Start the gateway; config is the body of the first CONFIG. */
extern void bev_feed_start(BevFeed *feed, int number, const char *config);

/* A changed configuration. */
extern void bev_feed_configure(BevFeed *feed, const char *config);

/* It can take connections by a CONFIG that it was sent.  False: it was sent no such. */
extern bool bev_feed_listen(BevFeed *feed, uint32 config);

/* What keeps clients out, and what /ready says of what is wrong; empty: nothing is. */
extern void bev_feed_tell_condition(BevFeed *feed, const BevConditionMessage *condition,
                                    const char *text);

/* The stream begins for this gateway behind its tip.  past: BevPastEra's. */
extern void bev_feed_begin(BevFeed *feed, const BevStreamMessage *stream, BevSpan past);

/* It goes on where it is under this name; the old one is among past. */
extern void bev_feed_rename(BevFeed *feed, const BevStreamMessage *stream, BevSpan past);

/* Is it to be sent what is for admins from now on? */
extern void bev_feed_scope(BevFeed *feed, bool whole);

/*
 * A settled transaction, and what there is of it for a gateway without admins.  A feed that is
 * behind, or whose pipe is full, doesn't take it: it will come from the journal.
 */
extern void bev_feed_push(BevFeed *feed, const BevQueueItem *whole, const BevQueueItem *open);

/*
 * Is there something to read from the journal for it, and room in its pipe?
 * bev_feed_read does that, within a transaction with an active snapshot: what it
 * missed up to settled, and one of its requests.  History up to dropped is gone, here and below;
 * up to floor it can't be read for now.
 */
extern bool bev_feed_wants_journal(const BevFeed *feed, uint64 settled);
extern void bev_feed_read(BevFeed *feed, uint64 settled, uint64 dropped, uint64 floor);

/* The body of an ANSWER to one of its questions, of this verb. */
extern void bev_feed_answer(BevFeed *feed, uint32 verb, char *body, Size size);

/* One that is an error. */
extern void bev_feed_answer_error(BevFeed *feed, uint64 client, uint32 request, const char *code,
                                  BevSpan text);

/* Close one of its clients. */
extern void bev_feed_disconnect(BevFeed *feed, const BevDisconnectMessage *disconnect);

/* Say where the stream stands, as far as that isn't known from events. */
extern void bev_feed_announce(BevFeed *feed, uint64 dropped);

/* Put a message into the pipe; the gateway is ended if there is no memory for it. */
extern void bev_feed_send(BevFeed *feed, BevMessageKind kind, const struct iovec *part, int n);

/* Write to the pipe.  A gateway that is gone is ended. */
extern void bev_feed_flush(BevFeed *feed);

/* False while its pipe is full: who does not read is not read from. */
extern bool bev_feed_listens(const BevFeed *feed);

/*
 * End a gateway that can't go on, and say why, unless that is NULL; bev_feed_reap will find it
 * dead.
 */
extern void bev_feed_end(BevFeed *feed, const char *why);

/* Say SHUTDOWN, wait for the end, kill it if it takes too long. */
extern void bev_feed_stop(BevFeed *feed);

/*
 * Tell its gateway to end, and see to it that it does, without waiting: to be called again until
 * bev_feed_reap has found that it has ended.
 */
extern void bev_feed_retire(BevFeed *feed);

/* Did it end by itself?  Then log it and say when it is to be started again. */
extern void bev_feed_reap(BevFeed *feed);

#endif /* BEV_SERVER_DISPATCHER_FEED_H */
