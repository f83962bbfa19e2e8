/*
 * message.h - what the dispatcher says to a gateway and to the verifier, and they to it.
 *
 * Both ends are processes of one machine, joined by a stream socketpair.  A
 * message is a header and a body; the body is one of the structs below, then
 * the bytes that the struct announces.  Integers are in the machine's order.
 *
 *	dispatcher -> gateway                       gateway -> dispatcher
 *	CONFIG      settings, secrets included      HELLO        I run, this version
 *	STREAM      which stream, from where        LISTEN       it can take connections
 *	EVENTS      a run of one transaction        LOG          a line for the log
 *	PROGRESS    nothing more up to this seq     FETCH        history, please
 *	FETCHED     end of an answer to FETCH       STATUS       what became of CONFIG
 *	ADMIT       a client may stay, or not       OPEN         a client showed its token
 *	DISCONNECT  end this client                 CLOSED       a client is gone
 *	SHUTDOWN    say goodbye to the clients      CLIENTS      how they are doing
 *	ANSWER      to an ASK or a TOKEN            ROLE         a client has another role
 *	CONDITION   what /ready says of it all      ASK          a question to the database
 *	KNOWN       a client's token is good        COUNTERS     what it counted
 *	SCOPE       what is for admins follows, or not
 *	                                            ABUSE        who behaves oddly
 *	                                            SUBSCRIPTION what of the stream a client wants
 *	                                            SLOW         events took too long
 *	SPENT_ELSEWHERE  at other gateways          SPENT        what an address has had of its rates
 *	                                            TOKEN        another token was shown
 *	                                            AGAIN        ADMIT was overtaken: once more
 *
 *	dispatcher -> verifier                      verifier -> dispatcher
 *	KEYS        what tokens are checked by      HELLO        I run, this version
 *	CHECK       a token                         KEYRING      what became of KEYS
 *	                                            CHECKED      the answer to a CHECK
 *
 * Order on the way down: CONFIG first, then STREAM, then the rest in any order.
 * Live EVENTS (request 0) come in ascending seq and never twice.  The answer to
 * a FETCH is any number of EVENTS with its request number, ascending, then one
 * FETCHED; live EVENTS may stand between them.
 *
 * Trust: the gateway believes the dispatcher; the dispatcher checks every byte
 * that a gateway sends and ends a gateway that breaks these rules.  Who somebody is, it
 * believes the verifier alone: a gateway only passes on the token that a client showed.
 *
 * Pure C: shared by the server's half and the gateway.
 */
#ifndef BEV_COMMON_PIPE_MESSAGE_H
#define BEV_COMMON_PIPE_MESSAGE_H

#include <stdint.h>

/*
 * Goes up once in a release when anything changes that both ends must have alike (counters and
 * packed subscriptions too); script/lint compares it with the sum beside it.
 */
#define BEV_PIPE_VERSION 3 /* 5552f112db85 */

typedef enum BevMessageKind
{
	BEV_MSG_CONFIG = 1,
	BEV_MSG_STREAM,
	BEV_MSG_EVENTS,
	BEV_MSG_PROGRESS,
	BEV_MSG_FETCHED,
	BEV_MSG_SHUTDOWN,
	BEV_MSG_ADMIT,
	BEV_MSG_DISCONNECT,
	BEV_MSG_ANSWER,
	BEV_MSG_CONDITION,
	BEV_MSG_SPENT_ELSEWHERE,
	BEV_MSG_KNOWN,
	BEV_MSG_SCOPE,

	BEV_MSG_HELLO = 101,
	BEV_MSG_LISTEN,
	BEV_MSG_LOG,
	BEV_MSG_FETCH,
	BEV_MSG_STATUS,
	BEV_MSG_OPEN,
	BEV_MSG_CLOSED,
	BEV_MSG_CLIENTS,
	BEV_MSG_ROLE,
	BEV_MSG_ASK,
	BEV_MSG_COUNTERS,
	BEV_MSG_ABUSE,
	BEV_MSG_SUBSCRIPTION,
	BEV_MSG_SLOW,
	BEV_MSG_SPENT,
	BEV_MSG_TOKEN,
	BEV_MSG_AGAIN,

	BEV_MSG_KEYS = 201,
	BEV_MSG_CHECK,
	BEV_MSG_KEYRING,
	BEV_MSG_CHECKED
} BevMessageKind;

typedef struct BevMessageHeader
{
	uint32_t size; /* of the body */
	uint32_t kind; /* BevMessageKind */
} BevMessageHeader;

/* The largest body in each direction; more is a broken peer. */
#define BEV_MESSAGE_MAX_DOWN (256u * 1024 * 1024)
#define BEV_MESSAGE_MAX_UP   (64u * 1024)

/*
 * CONFIG: the body is a JSON object (UTF-8), the whole configuration each time.
 * Members: see docs/architecture.md, "The pipe".
 */

#define BEV_STREAM_ID_LEN 36

/* An era of the stream that ended: positions in it are good up to a seq (server/journal/era.h). */
typedef struct BevPastEra
{
	uint64_t upto;
	char id[BEV_STREAM_ID_LEN + 4]; /* uuid, NUL terminated */
} BevPastEra;

#define BEV_PAST_ERAS_MAX 1000

/*
 * STREAM: the stream's identity, which is that of its last era, and its tip; BevPastEra's of those
 * before follow.  A second STREAM with another id is the same stream under another name, if all
 * that was sent is of it by what is said of the old one; else the history was replaced, and clients
 * are told resync_required.
 */
typedef struct BevStreamMessage
{
	uint64_t tip;                   /* live EVENTS are those after this seq */
	uint64_t dropped;               /* history up to this seq is gone; 0: none */
	char id[BEV_STREAM_ID_LEN + 4]; /* uuid, NUL terminated */
	uint32_t follows;               /* 1: a standby's, which may know of an era later than others */
	uint32_t unused;
} BevStreamMessage;

/*
 * EVENTS: count event records follow (event.h), with seqs first_seq,
 * first_seq + 1, ...  All of one transaction, but a large transaction comes in
 * several messages.
 */
typedef struct BevEventsMessage
{
	uint32_t request;   /* 0: live; else the FETCH that it answers */
	uint32_t count;     /* records in this message, >= 1 */
	uint64_t first_seq; /* of the first record here */
	uint32_t tx_n;      /* its place in the transaction, from 1 */
	uint32_t tx_of;     /* events in the transaction */
	uint64_t xid;       /* full transaction id */
	int64_t at;         /* commit time, microseconds since 1970 UTC */
} BevEventsMessage;

/*
 * PROGRESS: every event up to tip was sent; seqs up to it that never came
 * belong to nobody (their transactions rolled back).
 */
typedef struct BevProgressMessage
{
	uint64_t tip;
	uint64_t dropped; /* as in STREAM */
} BevProgressMessage;

/*
 * SCOPE: whether live EVENTS behind a seq, answers to FETCH and rows that come from now on have
 * what is for admins alone.  Until one comes after STREAM they don't: an event for admins has no
 * content, and of others there is what everybody may read of them.  An admin who waits until there
 * is one, and fetches what came before, misses nothing.
 */
typedef struct BevScopeMessage
{
	uint64_t after;
	uint32_t whole; /* 0, 1 */
	uint32_t unused;
} BevScopeMessage;

typedef enum BevFetchResult
{
	BEV_FETCH_OK,  /* all up to covered was sent */
	BEV_FETCH_GONE /* dropped > after: that history is gone */
} BevFetchResult;

typedef struct BevFetchedMessage
{
	uint32_t request;
	uint32_t result;  /* BevFetchResult */
	uint64_t covered; /* every event in (after, covered] was sent */
	uint64_t dropped; /* as in STREAM */
} BevFetchedMessage;

/*
 * CONDITION: what an operator has to do something about follows, as text, for GET /ready; empty:
 * nothing.
 */
typedef struct BevConditionMessage
{
	uint32_t keys;   /* 0: there is none to check tokens with, so nobody can be let in */
	uint32_t behind; /* 1: a standby that is too far behind to let anybody in */
} BevConditionMessage;

/* SHUTDOWN: no body.  Close every client with 1012, then exit. */

typedef struct BevHelloMessage
{
	uint32_t version; /* BEV_PIPE_VERSION */
	uint32_t pid;
} BevHelloMessage;

/*
 * LISTEN: the configuration is such that connections can be taken by it.  The dispatcher opens the
 * sockets, unless those that the gateway has are as they should be, and passes them
 * (passed_sockets.h).
 */
typedef struct BevListenMessage
{
	uint32_t config; /* which CONFIG, counted from 1 */
} BevListenMessage;

typedef enum BevLogLevel
{
	BEV_LOG_DEBUG,
	BEV_LOG_INFO, /* worth a line in the log */
	BEV_LOG_WARNING
} BevLogLevel;

/* LOG: level, then text (UTF-8, one line, no terminator). */
typedef struct BevLogMessage
{
	uint32_t level; /* BevLogLevel */
} BevLogMessage;

/*
 * STATUS: the body is text.  Empty: the configuration is in force.  Else why
 * the gateway can't serve with it, such as a certificate that can't be read; it keeps what worked
 * before.
 */

/*
 * FETCH: the events in (after, upto], or the first of them if they are more
 * than max_bytes (at least one event is sent if there is any).
 */
typedef struct BevFetchMessage
{
	uint32_t request; /* chosen by the gateway, not 0 */
	uint32_t max_bytes;
	uint64_t after;
	uint64_t upto; /* at most the tip */
} BevFetchMessage;

/* The longest token, and the longest id of a user, in bytes. */
#define BEV_TOKEN_MAX   8192
#define BEV_USER_ID_MAX 255

typedef enum BevTokenResult
{
	BEV_TOKEN_GOOD,
	BEV_TOKEN_INVALID,
	BEV_TOKEN_EXPIRED
} BevTokenResult;

/* What a good token says; its projects follow where it is sent, each with its NUL. */
typedef struct BevGrant
{
	int64_t expires_at; /* seconds since 1970 UTC */
	int64_t ends_at;    /* when what was granted by it ends */
	uint32_t is_admin;
	uint32_t projects; /* bytes of them */
	char user[BEV_USER_ID_MAX + 1];
	char role[64]; /* "admin", "user" or what it says */
} BevGrant;

/*
 * OPEN: a client showed a token, which follows, and waits to be admitted; the dispatcher has the
 * token checked and counts over all gateways.  client is a number that the gateway gives out and
 * doesn't use again.  The texts are NUL terminated.  One that is too long is cut behind
 * BEV_TOKEN_MAX + 1 bytes, and no good.
 */
typedef struct BevOpenMessage
{
	uint64_t client;
	char id[40]; /* connection_id */
	char address[64];
} BevOpenMessage;

/* So many of OPEN and TOKEN may wait for their answers; a gateway that has more is broken. */
#define BEV_CHECKS_MAX 256

/* KNOWN: the token of an OPEN is good; ADMIT follows when its user has been looked up. */
typedef struct BevKnownMessage
{
	uint64_t client;
} BevKnownMessage;

typedef enum BevVerdict
{
	BEV_ADMITTED,
	BEV_TOO_MANY_CONNECTIONS, /* of this user */
	BEV_SERVER_FULL,
	BEV_NOT_LOOKED_UP, /* the tables of users could not be read */
	BEV_BAD_TOKEN,
	BEV_EXPIRED_TOKEN,
	BEV_NOT_CHECKED /* nobody was there to check the token */
} BevVerdict;

/*
 * ADMIT: the answer to OPEN and to AGAIN, in any order.  A client that isn't admitted needs no
 * CLOSED.  Behind it stand the projects of the grant, then what the tables of users and
 * memberships say of the client's user (access.h), with the effect of every event up to as_of, and
 * perhaps of later ones: what events up to there say of it is outdated, what later ones say counts.
 * Behind BEV_BAD_TOKEN and BEV_EXPIRED_TOKEN stands why, as text.
 */
typedef struct BevAdmitMessage
{
	uint64_t client;
	uint32_t verdict; /* BevVerdict */
	int32_t unread;   /* notifications of the user; -1: not known */
	uint64_t as_of;   /* 0: there are no such tables */
	BevGrant grant;   /* nothing unless admitted */
} BevAdmitMessage;

/*
 * AGAIN: an admitted client, which has not been told so, is to be looked up again: events have
 * overtaken its ADMIT.
 */
typedef struct BevAgainMessage
{
	uint64_t client;
} BevAgainMessage;

typedef enum BevTokenUse
{
	BEV_TOKEN_RENEWS, /* the client's grant, for the same user: the answer has BEV_ANSWER_GRANT */
	BEV_TOKEN_METRICS /* for an admin, who is no client (client 0): the answer has them */
} BevTokenUse;

/* TOKEN: one more, which follows as in OPEN.  It gets one ANSWER, as an ASK does. */
typedef struct BevTokenMessage
{
	uint64_t client;
	uint32_t request; /* as that of an ASK */
	uint32_t use;     /* BevTokenUse */
} BevTokenMessage;

/*
 * CLOSED: an admitted client is gone.  This, CLIENTS, ROLE and SUBSCRIPTION come after its
 * ADMIT.
 */
typedef struct BevClosedMessage
{
	uint64_t client;
	uint64_t code;   /* of the close frame; 1006: there was none */
	char reason[64]; /* in it: an error code, or what an operator said; ASCII */
} BevClosedMessage;

/* How a client reads. */
typedef enum BevClientProtocol
{
	BEV_PROTOCOL_UNTOLD,
	BEV_PROTOCOL_WEBSOCKET,
	BEV_PROTOCOL_SSE,
	BEV_PROTOCOL_JSON,
	BEV_PROTOCOLS
} BevClientProtocol;

/*
 * CLIENTS: any number of these, for clients of which something changed since they
 * were last told; about once a second, and ahead of a client's CLOSED.
 */
typedef struct BevClientsMessage
{
	uint64_t client;
	uint64_t start;    /* its part of the stream begins behind this seq */
	uint64_t cursor;   /* it was sent everything up to this seq */
	uint64_t sent;     /* events */
	uint64_t received; /* messages */
	uint32_t lags;     /* 1: it can't take what there is for it */
	uint32_t protocol;
} BevClientsMessage;

/*
 * ROLE: what an admitted client is now by its token and the tables, to be shown.  Nobody becomes an
 * admin by it.
 */
typedef struct BevRoleMessage
{
	uint64_t client;
	char role[64];
} BevRoleMessage;

/*
 * SUBSCRIPTION: what an admitted client wants of the stream (packed_subscription.h) follows;
 * about once a second, and only of those who changed it.  Until then a client wants everything.
 */
typedef struct BevSubscriptionMessage
{
	uint64_t client;
} BevSubscriptionMessage;

/* DISCONNECT: close with 1008; reason is the text of the close frame. */
typedef struct BevDisconnectMessage
{
	uint64_t client;
	char reason[64];
} BevDisconnectMessage;

/* What a client asks for, by the type of its request. */
typedef enum BevVerb
{
	BEV_VERB_GET,           /* one row */
	BEV_VERB_LIST,          /* rows, in the order of their ids */
	BEV_VERB_METRICS,       /* all metrics as text, for this machine (client 0) */
	BEV_VERB_NOTIFICATIONS, /* the client's, the newest first */
	BEV_VERB_READ,          /* one notification is read */
	BEV_VERB_READ_ALL,
	BEV_VERB_WATCH, /* the client's user watches a bug */
	BEV_VERB_UNWATCH,
	BEV_VERB_CONNECTIONS, /* all there are; for admins */
	BEV_VERB_DISCONNECT,  /* end one; likewise */
	BEV_VERB_SINCE,       /* the seq behind which everything was committed at a moment or later */
	BEV_VERB_STATE,       /* rows of a type, for all who may see them; perhaps into a spool */
	BEV_VERB_SPOOLED,     /* a page of a spool; or it is needed no more */
	BEV_VERB_INSPECT,     /* how the server is; for admins */
	BEV_VERB_EXPLAIN,     /* did an event reach a user; likewise */
	BEV_VERB_VISIBLE,     /* which events a user may see; likewise */
	BEV_VERB_UNSUBSCRIBE, /* {"token"}: no more mails; of nobody's (client 0) */
	BEV_VERBS
} BevVerb;

/* Rows that are kept on the server's disk for a gateway: how many spools it may have. */
#define BEV_SPOOLS_MAX 8

/* The longest payload of a request that is passed on. */
#define BEV_ASK_MAX 4096

/*
 * ASK: a question of an admitted client.  Its payload follows, a JSON object as
 * text of at most BEV_ASK_MAX bytes.  Every ASK gets one ANSWER, in any order.
 */
typedef struct BevAskMessage
{
	uint64_t client;
	uint32_t request; /* chosen by the gateway */
	uint32_t verb;    /* BevVerb */
} BevAskMessage;

typedef enum BevAnswerKind
{
	BEV_ANSWER_ROW,    /* one record follows */
	BEV_ANSWER_ROWS,   /* count records follow, then where to go on */
	BEV_ANSWER_TEXT,   /* of METRICS */
	BEV_ANSWER_ERROR,  /* its text follows */
	BEV_ANSWER_OBJECT, /* the reply's payload follows, a JSON object */
	BEV_ANSWER_GRANT   /* a BevGrant follows, and its projects */
} BevAnswerKind;

/*
 * ANSWER: rows come as records of events that might just have made them, so whoever
 * could not see those can't see them.  It comes behind all events that it may be
 * based on.
 */
typedef struct BevAnswerMessage
{
	uint64_t client;
	uint32_t request;
	uint32_t kind;  /* BevAnswerKind */
	uint64_t seq;   /* rows are not older than this */
	uint32_t count; /* of records */
	uint32_t unused;
	char code[24];  /* of the error, NUL terminated */
	char field[24]; /* that it is about; empty: none */
} BevAnswerMessage;

/*
 * COUNTERS: BEV_COUNTER_KINDS uint64 (counter.h), counted since the gateway's start; none
 * ever falls.
 */

/*
 * ABUSE: what looks like an attack, or a mistake, so many times since it was last told
 * of this address.  What a gateway can't tell apart any more has no address.
 */
typedef struct BevAbuseMessage
{
	uint32_t kind;    /* of BEV_ABUSE_KINDS, in the order of their counters */
	uint32_t times;   /* >= 1 */
	char address[64]; /* NUL terminated */
} BevAbuseMessage;

/*
 * SLOW: so many events took longer from their commits to the sockets than log_slow_delivery
 * of the configuration says, since this was last told, and the slowest of them; at most once
 * a second.
 */
typedef struct BevSlowMessage
{
	uint64_t seq;
	uint64_t us;
	uint32_t clients; /* to whom its batch was written, >= 1 */
	uint32_t events;  /* >= 1 */
} BevSlowMessage;

/* What an address may have so many of in a minute. */
typedef enum BevSpentKind
{
	BEV_SPENT_HELLO,     /* TLS handshakes */
	BEV_SPENT_HANDSHAKE, /* requests */
	BEV_SPENT_FAILURE,   /* tokens that were no good */
	BEV_SPENT_KINDS
} BevSpentKind;

/*
 * SPENT: an address had so many at this gateway since it was last told; it is told by the
 * sixteenth of what there may be in a minute.  SPENT_ELSEWHERE: at other gateways, so it has
 * fewer left here.
 */
typedef struct BevSpentMessage
{
	uint32_t kind;    /* BevSpentKind */
	uint32_t times;   /* >= 1 */
	char address[64]; /* NUL terminated */
} BevSpentMessage;

/*
 * KEYS: the body is a JSON object (UTF-8), what tokens are checked by from now on
 * (verifier/token/token_settings.c has its members).  A KEYRING answers it.
 */

/* KEYRING: whether there is a key; what is wrong with KEYS follows as text, empty: nothing. */
typedef struct BevKeyringMessage
{
	uint32_t keys; /* 0: no token can be good */
} BevKeyringMessage;

/* CHECK: a token follows, as in OPEN. */
typedef struct BevCheckMessage
{
	uint64_t ticket;
} BevCheckMessage;

/* CHECKED: the grant's projects follow if it is good, else why it isn't, as text. */
typedef struct BevCheckedMessage
{
	uint64_t ticket;
	uint32_t result; /* BevTokenResult */
	uint32_t unused;
	BevGrant grant;
} BevCheckedMessage;

#endif /* BEV_COMMON_PIPE_MESSAGE_H */
