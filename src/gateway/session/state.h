/*
 * state.h - the rows that a client asks for together with its stream.
 *
 *	subscribe --> WAITING --> READING --> done
 *
 * While it waits, rows are read of the database, and the client's stream goes on as it was.  Then
 * the rows are given to it, all as of one seq, and behind the last of them every event after
 * that seq.
 */
#ifndef BEV_GATEWAY_SESSION_STATE_H
#define BEV_GATEWAY_SESSION_STATE_H

#include "gateway/session/fanout.h"
#include "gateway/session/row_load.h"
#include "gateway/stream/asked_rows.h"

typedef struct BevStates
{
	BevFanout *fanout;
	TAILQ_HEAD(, BevState) waiting;
	TAILQ_HEAD(, BevState) reading; /* the one that began first is the first */
	BevRowLoads loads;
	bool look; /* one of those that wait may begin */
} BevStates;

extern void bev_states_begin(BevStates *states, BevQuestions *questions, BevFanout *fanout);
extern void bev_states_free(BevStates *states);

/*
 * An open session, which has none under way, wants the rows of these types that a subscription lets
 * pass, and from then on that subscription, which is taken; NULL lets pass all.  id is JSON text to
 * be echoed, or NULL.
 */
extern void bev_state_ask(BevStates *states, BevSession *session, const char *id,
                          BevSubscription *subscription, bool conflate, const BevAskedTypes *types);

/*
 * End what is under way, if anything is: the client is told, and its stream goes on from where it
 * stands.
 */
extern void bev_state_end(BevStates *states, BevSession *session);

/* The session ended. */
extern void bev_state_leave(BevStates *states, BevSession *session);

/* Give a session that reads more, as far as there is room. */
extern void bev_state_go_on(BevStates *states, BevSession *session);

/* Between two batches: begin with what can begin, and keep the bound of memory. */
extern void bev_states_run(BevStates *states);

/* Look at the clocks of those that wait. */
extern void bev_states_tick(BevStates *states);

/*
 * Reply to a request for one row, if that is known; false: the database has to be asked.  type and
 * key are terminated.
 */
extern bool bev_state_reply_row(BevStates *states, BevSession *session, const char *id,
                                const char *type, const char *key);

#endif /* BEV_GATEWAY_SESSION_STATE_H */
