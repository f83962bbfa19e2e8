/*
 * position_wait.c - sessions that want to know when they were sent the stream up to a seq.
 *
 * Model: one list of all that is waited for.  It is looked at at the end of each turn, since
 * positions move within one.  The reply is written behind the events, for a session's position
 * says what was written to it (test/gateway/live.py).  One that is given rows
 * first has what is up to its position when it has all of them.
 *
 * Memory: WAITS_MAX for each session.
 *
 * Cost: nothing while nobody waits; else a look at each that does.
 */
#include "gateway/session/position_wait.h"
#include "common/program/memory.h"
#include "gateway/session/reply.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of one session. */
#define WAITS_MAX 8

typedef struct BevPositionWait
{
	LIST_ENTRY(BevPositionWait) entry;
	BevSession *session;
	char *id; /* JSON text, or NULL */
	uint64_t seq;
	uint64_t until; /* loop time, ms */
} BevPositionWait;

static void
forget(BevPositionWait *wait)
{
	LIST_REMOVE(wait, entry);
	free(wait->id);
	free(wait);
}

static void
reply(const BevPositionWait *wait, bool reached)
{
	char payload[64];

	snprintf(payload, sizeof(payload), "{\"seq\":%" PRIu64 ",\"reached\":%s}",
	         bev_session_position(wait->session), reached ? "true" : "false");
	bev_reply_ok(wait->session, wait->id, payload);
	bev_session_flush(wait->session);
}

/* One that ended in this turn is let go of at its end. */
static void
look(BevPositionWait *wait)
{
	BevSession *session = wait->session;
	bool reached = session->standing != BEV_READING && bev_session_position(session) >= wait->seq;

	if (session->state != BEV_SESSION_OPEN || (!reached && bev_session_now(session) < wait->until))
		return;
	reply(wait, reached);
	forget(wait);
}

bool
bev_position_wait_add(BevPositionWaits *waits, BevSession *session, const char *id, uint64_t seq,
                      uint64_t timeout)
{
	BevPositionWait *wait;
	int count = 0;

	LIST_FOREACH (wait, &waits->list, entry)
		count += wait->session == session;
	if (count >= WAITS_MAX)
		return false;
	wait = bev_alloc(sizeof(*wait));
	*wait = (BevPositionWait){.session = session,
	                          .id = id ? bev_copy_text(id, strlen(id)) : NULL,
	                          .seq = seq,
	                          .until = bev_session_now(session) + timeout};
	LIST_INSERT_HEAD(&waits->list, wait, entry);
	look(wait);
	return true;
}

void
bev_position_wait_look(BevPositionWaits *waits)
{
	BevPositionWait *next;

	for (BevPositionWait *wait = LIST_FIRST(&waits->list); wait; wait = next)
	{
		next = LIST_NEXT(wait, entry);
		look(wait);
	}
}

void
bev_position_wait_leave(BevPositionWaits *waits, BevSession *session)
{
	BevPositionWait *next;

	for (BevPositionWait *wait = LIST_FIRST(&waits->list); wait; wait = next)
	{
		next = LIST_NEXT(wait, entry);
		if (wait->session == session)
			forget(wait);
	}
}

void
bev_position_wait_free(BevPositionWaits *waits)
{
	while (!LIST_EMPTY(&waits->list))
		forget(LIST_FIRST(&waits->list));
}
