/*
 * session.h - who is connected: name, groups, place in the stream, and what is owed.
 *
 *	HANDSHAKE --> WAITING --> OPEN --> CLOSING --> (closed)
 *	    |  \_______________________________/^
 *	    \--> HTTP --> (closed)
 *
 * An open session stands somewhere in the stream:
 *	LIVE      has everything up to the last batch, and takes the next one as it
 *	          comes; it has no cursor to move
 *	LAGGING   has everything up to its cursor, and goes on when there is room
 *	PARKED    the same, but what follows the cursor must be fetched first
 *	READING   is given the rows as of its cursor first (state.c)
 *
 * What is owed to a client that reads slowly is a position, not a queue.  Only
 * answers of its own wait in memory, few of them: a client that does not read is
 * not read from.
 */
#ifndef BEV_GATEWAY_SESSION_SESSION_H
#define BEV_GATEWAY_SESSION_SESSION_H

#include <sys/queue.h>

#include "common/pipe/message.h"
#include "gateway/identity/identity.h"
#include "gateway/net/address.h"
#include "gateway/net/socket.h"
#include "gateway/session/abuse.h"
#include "gateway/session/count.h"
#include "gateway/stream/directory.h"
#include "gateway/stream/replay.h"
#include "gateway/stream/subscription_index.h"
#include "gateway/wire/http_stream.h"

typedef enum BevSessionState
{
	BEV_SESSION_HANDSHAKE, /* the request's head is not complete */
	BEV_SESSION_SCRAPING,  /* asked for the metrics, which are on their way */
	BEV_SESSION_HTTP,      /* answered; the peer is to close */
	BEV_SESSION_WAITING,   /* to be admitted, and for the stream */
	BEV_SESSION_OPEN,
	BEV_SESSION_CLOSING /* a close frame is sent or about to be, or the socket is closed */
} BevSessionState;

typedef enum BevStanding
{
	BEV_LIVE,
	BEV_LAGGING,
	BEV_PARKED,
	BEV_READING
} BevStanding;

typedef struct BevRegistration BevRegistration;
typedef struct BevState BevState;

typedef STAILQ_HEAD(BevQuestionQueue, BevQuestion) BevQuestionQueue;

typedef struct BevSessions
{
	uv_loop_t *loop;
	BevSockets *sockets;
	BevCounts *counts;
	BevAbuses *abuses;
	BevDirectory directory;
	LIST_HEAD(, BevSession) open;                  /* those whose socket is open */
	LIST_HEAD(, BevSession) finding[BEV_FINDINGS]; /* the open ones, by how they find events */
	LIST_HEAD(, BevSession) dead;                  /* closed; to be freed at the end of the turn */
	STAILQ_HEAD(, BevSession) ended; /* to be detached at the end of the turn, in order */
	uint32_t count;                  /* of those whose socket is open */
	uint32_t let_in;                 /* of them, those that wait to be admitted, or are open */
	uint64_t sent_tip;               /* who is live has everything up to here */
	bool shutting_down;              /* no more are taken */
} BevSessions;

typedef struct BevSession
{
	BevSocket socket; /* first: the socket's callbacks lead here */
	BevSessions *sessions;
	LIST_ENTRY(BevSession) entry; /* of the open, then of the dead */
	uint8_t state;                /* BevSessionState */
	uint8_t standing;             /* BevStanding */
	bool muted;                   /* unsubscribed: no stream at all */
	bool conflates;               /* of each row the last state is enough, when lagging */
	bool caught_up;               /* was near the tip once: client_lag_limit applies */
	bool heard_all;               /* nothing that the peer may still say matters */
	bool half_closed;             /* we have said all, and said so */
	bool lingers;                 /* deadline is the one for the peer to close */
	bool warned;                  /* that its token ends soon */
	bool was_open;                /* when it ended */
	bool origin_hidden;           /* address is the proxy's, since its chain can't be read */

	BevText out;         /* answers that wait for room */
	BevHttpStream *http; /* it reads by HTTP; NULL: it is a WebSocket */

	/* Who */
	char address[BEV_ADDRESS_LEN]; /* empty until it is asked for */
	uint8_t id[16];
	uint64_t number;               /* for the dispatcher */
	int32_t unread;                /* notifications when it was admitted; -1: not known */
	BevRegistration *registration; /* while it waits to be admitted */
	bool admitted;
	char *user_id; /* NULL: its token has not been checked */
	char *role;    /* the lower of the token's and the tables' */
	BevIdentity identity;
	int64_t expires_at; /* seconds since 1970, as the token says */
	int64_t ends_at;
	BevPrincipals principals;
	uint32_t regrouped;        /* how often they were made */
	BevMembership *membership; /* one for each principal, one for admin */
	uint32_t memberships;

	/* Where in the stream */
	BevSubscription *subscription; /* NULL: everything */
	uint64_t cursor;               /* unless live */
	BevWaiter waiter;              /* while parked */
	uint64_t batch;                /* the last one that was looked at */
	BevFinding finding;
	LIST_ENTRY(BevSession) same_finding; /* of the open */
	BevIndexEntry index_entry;           /* while it is sought (subscribers.h) */
	uint64_t found_batch;                /* in which something was found for it, */
	uint32_t found_next;                 /* from this one on */
	uint32_t found_last;                 /* to this one */
	BevState *rows;                      /* that it asked for; NULL: none, or it has them all */

	/* For the dispatcher's list */
	uint64_t sent;     /* events */
	uint64_t received; /* messages */
	uint64_t start;    /* its part of the stream begins behind this seq */
	uint64_t reported_cursor;
	uint64_t reported_received;
	bool reported_lags;
	bool subscription_changed;  /* since it was told */
	uint32_t told_subscription; /* its hash; 0: nothing was told */

	uint64_t deadline;       /* of the handshake or the close; loop time, ms; 0: none */
	uint32_t questions;      /* that wait for an answer */
	bool asks;               /* one of them was asked */
	BevQuestionQueue to_ask; /* the others, in order */

	/* Its end */
	STAILQ_ENTRY(BevSession) next_ended;
	int end_code;
	char *end_reason;
} BevSession;

/* A socket is there: the session begins, all zero but the socket, in its handshake. */
extern void bev_session_begin(BevSession *session, BevSessions *sessions);

/* Loop time, ms. */
static inline uint64_t
bev_session_now(const BevSession *session)
{
	return uv_now(session->sessions->loop);
}

static inline BevForm
bev_session_form(const BevSession *session)
{
	return session->http ? session->http->form : BEV_FORM_FRAMES;
}

/* Everything up to this seq is sent, or was when it ended. */
static inline uint64_t
bev_session_position(const BevSession *session)
{
	return session->standing == BEV_LIVE && session->state != BEV_SESSION_CLOSING ?
	           session->sessions->sent_tip :
	           session->cursor;
}

/* Where it comes from: what the request says through a trusted proxy, or the peer. */
extern const char *bev_session_address(BevSession *session);

/*
 * The address whose rates it takes from: that one.  For a proxy on this machine that doesn't say
 * for whom it asks, whom there would be no limit, it is one that is nobody's.
 */
extern const char *bev_session_rated_address(BevSession *session);

/* Count and note what it did: one of the BEV_COUNT_ABUSE_ kinds. */
extern void bev_session_abuse(BevSession *session, BevCounter kind);

/*
 * Make the session what its token says, as the verifier found: its name, role, expiry and groups.
 * True: its role is another one than before.
 */
extern bool bev_session_identify(BevSession *session, const BevGrant *grant, BevSpan projects);

/*
 * Give it the role and the groups that its identity amounts to.  True: its role is another
 * one than before.
 */
extern bool bev_session_regroup(BevSession *session);

/* Write out what waits.  Called once all answers of a turn are appended to out. */
extern void bev_session_flush(BevSession *session);

/*
 * The one way to end a session: a close frame with this code and reason (an error
 * code of the protocol), then the connection.  What it was answered before still
 * goes out first, and nothing from the stream any more.  Does nothing when it is ending
 * already.  Only marks it: others let go of it at the end of the turn.
 */
extern void bev_session_end(BevSession *session, int code, const char *reason);

/* Close its socket at the end of the turn, without a close frame. */
extern void bev_session_drop(BevSession *session);

/* Its socket is closed. */
extern void bev_session_closed(BevSession *session);

/*
 * At the end of a turn: the next that ended, to be let go of everywhere; then the next that
 * is closed, to be freed.  NULL: there is none.
 */
extern BevSession *bev_sessions_next_ended(BevSessions *sessions);
extern BevSession *bev_sessions_next_dead(BevSessions *sessions);

/* Free what the session has, but not itself. */
extern void bev_session_free(BevSession *session);

#endif /* BEV_GATEWAY_SESSION_SESSION_H */
