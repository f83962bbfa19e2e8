/*
 * message.h - what the dispatcher and a gateway say to each other.
 *
 * Both ends are processes of one machine, joined by a stream socketpair.  A
 * message is a header and a body; the body is one of the structs below, then
 * the bytes that the struct announces.  Integers are in the machine's order.
 *
 *	dispatcher -> gateway                       gateway -> dispatcher
 *	CONFIG      settings, secrets included      HELLO      I run, this version
 *	STREAM      which stream, from where        LISTENING  the ports are open
 *	EVENTS      a run of one transaction        LOG        a line for the log
 *	PROGRESS    nothing more up to this seq     FETCH      history, please
 *	FETCHED     end of an answer to FETCH       STATUS     what became of CONFIG
 *	ADMIT       a client may stay, or not       OPEN       a client showed its token
 *	DISCONNECT  end this client                 CLOSED     a client is gone
 *	SHUTDOWN    say goodbye to the clients      CLIENTS    how they are doing
 *	ANSWER      to an ASK                       ROLE       a client has another role
 *	                                            ASK        a question to the database
 *	                                            COUNTERS   what it counted
 *	                                            SUSPECT    who behaves oddly
 *	                                            INTEREST   a client's subscription
 *	                                            SLOW       events took too long
 *
 * Order on the way down: CONFIG first, then STREAM, then the rest in any order.
 * Live EVENTS (request 0) come in ascending seq and never twice.  The answer to
 * a FETCH is any number of EVENTS with its request number, ascending, then one
 * FETCHED; live EVENTS may stand between them.
 *
 * Trust: the gateway believes the dispatcher; the dispatcher checks every byte
 * that a gateway sends and ends a gateway that breaks these rules.
 *
 * Pure C: shared by the server's half and the gateway.
 */
#ifndef BE_COMMON_PIPE_MESSAGE_H
#define BE_COMMON_PIPE_MESSAGE_H

#include <stdint.h>

#define BE_PIPE_VERSION		1

typedef enum BeMessageKind
{
	BE_MSG_CONFIG = 1,
	BE_MSG_STREAM,
	BE_MSG_EVENTS,
	BE_MSG_PROGRESS,
	BE_MSG_FETCHED,
	BE_MSG_SHUTDOWN,
	BE_MSG_ADMIT,
	BE_MSG_DISCONNECT,
	BE_MSG_ANSWER,

	BE_MSG_HELLO = 101,
	BE_MSG_LISTENING,
	BE_MSG_LOG,
	BE_MSG_FETCH,
	BE_MSG_STATUS,
	BE_MSG_OPEN,
	BE_MSG_CLOSED,
	BE_MSG_CLIENTS,
	BE_MSG_ROLE,
	BE_MSG_ASK,
	BE_MSG_COUNTERS,
	BE_MSG_SUSPECT,
	BE_MSG_INTEREST,
	BE_MSG_SLOW
} BeMessageKind;

typedef struct BeMessageHeader
{
	uint32_t	size;			/* of the body */
	uint32_t	kind;			/* BeMessageKind */
} BeMessageHeader;

/* The largest body in each direction; more is a broken peer. */
#define BE_MESSAGE_MAX_DOWN	(256u * 1024 * 1024)
#define BE_MESSAGE_MAX_UP	(64u * 1024)

/*
 * CONFIG: the body is a JSON object (UTF-8), the whole configuration each time.
 * Members: see docs/architecture.md, "The pipe".
 */

#define BE_STREAM_ID_LEN	36

/*
 * STREAM: the stream's identity and its tip.  A second STREAM with another id
 * means that the history was replaced: clients are told resync_required.
 */
typedef struct BeStreamMessage
{
	uint64_t	tip;			/* live EVENTS are those after this seq */
	uint64_t	dropped;		/* history up to this seq is gone; 0: none */
	char		id[BE_STREAM_ID_LEN + 4];	/* uuid, NUL terminated */
} BeStreamMessage;

/*
 * EVENTS: count event records follow (event.h), with seqs first_seq,
 * first_seq + 1, ...  All of one transaction, but a large transaction comes in
 * several messages.
 */
typedef struct BeEventsMessage
{
	uint32_t	request;		/* 0: live; else the FETCH that it answers */
	uint32_t	count;			/* records in this message, >= 1 */
	uint64_t	first_seq;		/* of the first record here */
	uint32_t	tx_n;			/* its place in the transaction, from 1 */
	uint32_t	tx_of;			/* events in the transaction */
	uint64_t	xid;			/* full transaction id */
	int64_t		at;				/* commit time, microseconds since 1970 UTC */
} BeEventsMessage;

/*
 * PROGRESS: every event up to tip was sent; seqs up to it that never came
 * belong to nobody (their transactions rolled back).
 */
typedef struct BeProgressMessage
{
	uint64_t	tip;
	uint64_t	dropped;		/* as in STREAM */
} BeProgressMessage;

typedef enum BeFetchResult
{
	BE_FETCH_OK,				/* all up to covered was sent */
	BE_FETCH_GONE				/* dropped > after: that history is gone */
} BeFetchResult;

typedef struct BeFetchedMessage
{
	uint32_t	request;
	uint32_t	result;			/* BeFetchResult */
	uint64_t	covered;		/* every event in (after, covered] was sent */
	uint64_t	dropped;		/* as in STREAM */
} BeFetchedMessage;

/* SHUTDOWN: no body.  Close every client with 1012, then exit. */

typedef struct BeHelloMessage
{
	uint32_t	version;		/* BE_PIPE_VERSION */
	uint32_t	pid;
} BeHelloMessage;

/*
 * LISTENING: the body is text, the addresses that are open, "127.0.0.1:8432
 * [::1]:8432".  Sent whenever they change.
 */

typedef enum BeLogLevel
{
	BE_LOG_DEBUG,
	BE_LOG_INFO,				/* worth a line in the log */
	BE_LOG_WARNING
} BeLogLevel;

/* LOG: level, then text (UTF-8, one line, no terminator). */
typedef struct BeLogMessage
{
	uint32_t	level;			/* BeLogLevel */
} BeLogMessage;

/*
 * STATUS: the body is text.  Empty: the configuration is in force.  Else why
 * the gateway can't serve with it ("could not bind 127.0.0.1:8432: Address
 * already in use"); it keeps what worked before and tries again by itself.
 */

/*
 * FETCH: the events in (after, upto], or the first of them if they are more
 * than max_bytes (at least one event is sent if there is any).
 */
typedef struct BeFetchMessage
{
	uint32_t	request;		/* chosen by the gateway, not 0 */
	uint32_t	max_bytes;
	uint64_t	after;
	uint64_t	upto;			/* at most the tip */
} BeFetchMessage;

/*
 * OPEN: a client whose token is valid waits to be admitted; the dispatcher counts
 * over all gateways.  client is a number that the gateway gives out and doesn't
 * use again.  The texts are NUL terminated.
 */
typedef struct BeOpenMessage
{
	uint64_t	client;
	int64_t		expires_at;		/* of the token, microseconds since 1970 UTC */
	char		id[40];			/* connection_id */
	char		user[256];
	char		role[64];
	char		address[64];
} BeOpenMessage;

typedef enum BeVerdict
{
	BE_ADMITTED,
	BE_TOO_MANY_CONNECTIONS,	/* of this user */
	BE_SERVER_FULL,
	BE_NOT_LOOKED_UP			/* the tables of users could not be read */
} BeVerdict;

/*
 * ADMIT: the answer to OPEN.  A client that isn't admitted needs no CLOSED.  What the
 * tables of users and memberships say of the client's user follows (access.h), with
 * the effect of every event up to as_of, and perhaps of later ones: what events up to
 * there say of it is outdated, what later ones say counts.
 */
typedef struct BeAdmitMessage
{
	uint64_t	client;
	uint32_t	verdict;		/* BeVerdict */
	int32_t		unread;			/* notifications of the user; -1: not known */
	uint64_t	as_of;			/* 0: there are no such tables */
} BeAdmitMessage;

/* CLOSED: an admitted client is gone.  This, CLIENTS, ROLE and INTEREST come after its ADMIT. */
typedef struct BeClosedMessage
{
	uint64_t	client;
	uint64_t	code;			/* of the close frame; 1006: there was none; 0: the client stays, and is asked for again */
	char		reason[64];		/* in it: an error code, or what an operator said; ASCII */
} BeClosedMessage;

/*
 * CLIENTS: any number of these, for clients of which something changed since they
 * were last told; about once a second, and ahead of a client's CLOSED.
 */
typedef struct BeClientsMessage
{
	uint64_t	client;
	uint64_t	start;			/* its part of the stream begins behind this seq */
	uint64_t	cursor;			/* it was sent everything up to this seq */
	uint64_t	sent;			/* events */
	uint64_t	received;		/* messages */
	int64_t		expires_at;
	uint32_t	lags;			/* 1: it can't take what there is for it */
	uint32_t	unused;
} BeClientsMessage;

/* ROLE: what an admitted client is now, which OPEN said otherwise. */
typedef struct BeRoleMessage
{
	uint64_t	client;
	char		role[64];
} BeRoleMessage;

/*
 * INTEREST: what an admitted client wants of the stream (packed_subscription.h) follows; about once a
 * second, and only of those who changed it.  Until then a client wants everything.
 */
typedef struct BeInterestMessage
{
	uint64_t	client;
} BeInterestMessage;

/* DISCONNECT: close with 1008; reason is the text of the close frame. */
typedef struct BeDisconnectMessage
{
	uint64_t	client;
	char		reason[64];
} BeDisconnectMessage;

/* What a client asks for, by the type of its request. */
typedef enum BeVerb
{
	BE_VERB_GET,				/* one row */
	BE_VERB_LIST,				/* rows, in the order of their ids */
	BE_VERB_METRICS,			/* all metrics as text; asked for nobody (client 0) */
	BE_VERB_NOTIFICATIONS,		/* the client's, the newest first */
	BE_VERB_READ,				/* one notification is read */
	BE_VERB_READ_ALL,
	BE_VERB_WATCH,				/* the client's user watches a bug */
	BE_VERB_UNWATCH,
	BE_VERB_CONNECTIONS,		/* all there are; for admins */
	BE_VERB_DISCONNECT,			/* end one; likewise */
	BE_VERBS
} BeVerb;

/* The longest payload of a request that is passed on. */
#define BE_ASK_MAX	4096

/*
 * ASK: a question of an admitted client.  Its payload follows, a JSON object as
 * text of at most BE_ASK_MAX bytes.  Every ASK gets one ANSWER, in any order.
 */
typedef struct BeAskMessage
{
	uint64_t	client;
	uint32_t	request;		/* chosen by the gateway */
	uint32_t	verb;			/* BeVerb */
} BeAskMessage;

typedef enum BeAnswerKind
{
	BE_ANSWER_ROW,				/* one record follows */
	BE_ANSWER_ROWS,				/* count records follow, then where to go on */
	BE_ANSWER_TEXT,				/* of METRICS */
	BE_ANSWER_ERROR,			/* its text follows */
	BE_ANSWER_OBJECT			/* the reply's payload follows, a JSON object */
} BeAnswerKind;

/*
 * ANSWER: rows come as records of events that might just have made them, so whoever
 * could not see those can't see them.  It comes behind all events that it may be
 * based on.
 */
typedef struct BeAnswerMessage
{
	uint64_t	client;
	uint32_t	request;
	uint32_t	kind;			/* BeAnswerKind */
	uint64_t	seq;			/* rows are not older than this */
	uint32_t	count;			/* of records */
	uint32_t	unused;
	char		code[24];		/* of the error, NUL terminated */
	char		field[24];		/* that it is about; empty: none */
} BeAnswerMessage;

/*
 * COUNTERS: BE_COUNTER_KINDS uint64 (counter.h), counted since the gateway's start; none
 * ever falls.
 */

/*
 * SUSPECT: what looks like an attack, or a mistake, so many times since it was last told
 * of this address.  What a gateway can't tell apart any more has no address.
 */
typedef struct BeSuspectMessage
{
	uint32_t	kind;			/* of BE_SUSPICIONS, in the order of their counters */
	uint32_t	times;			/* >= 1 */
	char		address[64];	/* NUL terminated */
} BeSuspectMessage;

/*
 * SLOW: so many events took longer from their commits to the sockets than log_slow_delivery
 * of the configuration says, since this was last told, and the slowest of them; at most once
 * a second.
 */
typedef struct BeSlowMessage
{
	uint64_t	seq;
	uint64_t	us;
	uint32_t	clients;		/* to whom its batch was written, >= 1 */
	uint32_t	events;			/* >= 1 */
} BeSlowMessage;

#endif							/* BE_COMMON_PIPE_MESSAGE_H */
