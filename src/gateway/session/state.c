/*
 * state.c - the rows that a client asks for together with its stream.
 *
 * Model
 *	Rows come from the cache (stream/row_cache.h), which the stream keeps current.  What isn't
 *	in it is loaded, once for all who wait for it (row_load.h).  When all ranges of a request are
 *	complete, between two batches and two transactions, they are exactly the table as of the
 *	tip.  The client is given a snapshot of them, in parts (row_reader.h), and then placed at its
 *	seq, from where the window or the journal bring it what came since: no gap and no overlap,
 *	since that is how any client resumes (test/gateway/state_random.py).
 *
 *	Where what the client may see is not what it was when the parts began, they begin anew, as
 *	of another seq.
 *
 * Concurrency
 *	One thread.  Events go to the cache as they come; a snapshot doesn't change.
 *
 * Memory
 *	Snapshots share what they have, with each other and with the cache; all of it together is
 *	bounded by state_cache_size.  What is above that goes: sets that nobody used lately,
 *	then the client that reads for the longest time, then what is being loaded.
 *
 * Failure
 *	Told by an error with the request's id; a client that was given no part yet has the subscription
 *	that it had.
 */
#include "gateway/session/state.h"
#include "common/program/memory.h"
#include "gateway/session/reply.h"
#include "gateway/session/row_reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS 60000 /* in which nothing came */

/* What nothing tells of (changes that are published by nobody) is known after so long. */
#define AGE_MS 30000

struct BevState
{
	TAILQ_ENTRY(BevState) entry;
	BevStates *states;
	BevSession *session;
	char *id;                      /* JSON text, or NULL */
	BevSubscription *subscription; /* until it begins */
	bool conflate;
	bool begun;     /* and was replied to */
	bool is_beside; /* the rest of a stream, of which nothing may be left out */
	bool reads;
	uint64_t asked_at;   /* loop time */
	uint64_t went_on_at; /* more of the rows came */
	BevAskedRanges ranges;

	/* While it reads */
	BevRowReader reader;
	uint32_t regrouped; /* the session's, when it began */
};

static BevRowCache *
cache_of(const BevStates *states)
{
	return &states->fanout->stream.rows;
}

static uint64_t
now_of(const BevStates *states)
{
	return uv_now(states->fanout->sessions->loop);
}

/* ---- Its end ---- */

static void
take_out(BevStates *states, BevState *state)
{
	if (state->reads)
		TAILQ_REMOVE(&states->reading, state, entry);
	else
		TAILQ_REMOVE(&states->waiting, state, entry);
	bev_row_reader_end(&state->reader);
}

static void
free_state(BevStates *states, BevState *state)
{
	take_out(states, state);
	state->session->rows = NULL;
	bev_subscription_free(state->subscription);
	bev_asked_ranges_free(&state->ranges);
	free(state->id);
	free(state);
}

/* The end of one under way: the client is told, and its stream goes on. */
static void
fail(BevStates *states, BevState *state, const char *code, const char *message, const char *more)
{
	BevSession *session = state->session;

	if (session->state == BEV_SESSION_OPEN)
		bev_reply_error_with(session, state->id, code, message, more);
	free_state(states, state);
	if (session->state != BEV_SESSION_OPEN)
		return;
	if (session->standing == BEV_READING)
		bev_fanout_place(states->fanout, session, session->cursor);
	bev_session_flush(session);
}

void
bev_state_end(BevStates *states, BevSession *session)
{
	if (session->rows)
		fail(states, session->rows, "state_interrupted", "another request took its place", "");
}

void
bev_state_leave(BevStates *states, BevSession *session)
{
	if (session->rows)
		free_state(states, session->rows);
}

/* ---- What loads say ---- */

static bool
is_waited_for(const BevRowLoad *load, const BevState *state)
{
	for (uint32_t i = 0; i < state->ranges.count; i++)
		if (bev_row_load_brings(load, &state->ranges.range[i]))
			return true;
	return false;
}

/* One of those who wait for it. */
static const BevSession *
on_asker(void *owner, const BevRowLoad *load)
{
	const BevStates *states = owner;
	const BevState *state;

	TAILQ_FOREACH(state, &states->waiting, entry)
	if (state->session->state == BEV_SESSION_OPEN && is_waited_for(load, state))
		return state->session;
	return NULL;
}

static void
on_went_on(void *owner, const BevRowLoad *load)
{
	BevStates *states = owner;
	BevState *state;

	TAILQ_FOREACH(state, &states->waiting, entry)
	if (is_waited_for(load, state))
		state->went_on_at = now_of(states);
}

static void
on_finished(void *owner)
{
	BevStates *states = owner;

	states->look = true;
}

static void
on_failed(void *owner, const BevRowLoad *load, const char *code, const char *message,
          const char *more)
{
	BevStates *states = owner;
	BevState *next;

	for (BevState *state = TAILQ_FIRST(&states->waiting); state; state = next)
	{
		next = TAILQ_NEXT(state, entry);
		if (is_waited_for(load, state))
			fail(states, state, code, message, more);
	}
}

/* Sets that nobody used lately go, then the client that reads for the longest time. */
static bool
on_relieve(void *owner)
{
	BevStates *states = owner;
	BevState *first;

	while (!bev_row_cache_trim(cache_of(states)) && (first = TAILQ_FIRST(&states->reading)) != NULL)
		fail(states, first, "state_interrupted", "you read more slowly than rows change, try again",
		     ",\"retry_after\":1");
	return bev_row_cache_trim(cache_of(states));
}

static const BevRowLoadEvents load_events = {
	.asker = on_asker,
	.went_on = on_went_on,
	.finished = on_finished,
	.failed = on_failed,
	.relieve = on_relieve,
};

/* ---- Beginning ---- */

static void on_page(void *owner);

/* All ranges, or NULL where one isn't complete. */
static bool
find_sets(BevStates *states, const BevState *state, BevRowSet **sets)
{
	uint64_t since = state->asked_at > AGE_MS ? state->asked_at - AGE_MS : 0;
	bool all = true;

	for (uint32_t i = 0; i < state->ranges.count; i++)
	{
		sets[i] = bev_row_cache_find(cache_of(states), &state->ranges.range[i], since);
		all &= sets[i] != NULL;
	}
	return all;
}

static void
reply_begun(BevState *state)
{
	char payload[48];

	snprintf(payload, sizeof(payload), "{\"seq\":%" PRIu64 "}", state->session->cursor);
	bev_reply_ok(state->session, state->id, payload);
	state->begun = true;
}

/* From here on the stream is that of the new subscription, behind this seq. */
static void
place(BevStates *states, BevState *state)
{
	BevSession *session = state->session;

	bev_replay_leave(&session->waiter);
	session->standing = BEV_READING;
	session->cursor = session->sessions->sent_tip;
	session->caught_up = false;
	if (state->begun)
		return;
	bev_fanout_subscribe(states->fanout, session, state->subscription);
	state->subscription = NULL;
	session->muted = false;
	session->subscription_changed = true;
	bev_fanout_conflate(states->fanout, session, state->conflate);
	reply_begun(state);
}

static void
begin(BevStates *states, BevState *state, BevRowSet *const *sets)
{
	TAILQ_REMOVE(&states->waiting, state, entry);
	TAILQ_INSERT_TAIL(&states->reading, state, entry);
	state->reads = true;
	state->regrouped = state->session->regrouped;
	bev_row_reader_begin(&state->reader, sets);
	place(states, state);
	bev_session_flush(state->session);
	bev_socket_want_write(&state->session->socket);
}

/* To the tip: what it was not sent yet is left out. */
static bool
may_jump(const BevState *state)
{
	return !state->is_beside || state->session->standing == BEV_LIVE;
}

/* Between two transactions, and with what is for admins if it is one. */
static bool
may_begin(const BevStates *states, const BevState *state)
{
	return !states->fanout->stream.mid_transaction && may_jump(state) &&
	       bev_fanout_serves(states->fanout, state->session);
}

/* Begin, or see to it that what it waits for comes; true: all is there. */
static bool
try(BevStates *states, BevState *state)
{
	BevRowSet **sets = bev_alloc(sizeof(BevRowSet *) * state->ranges.count);
	bool complete = find_sets(states, state, sets);
	bool begins = complete && may_begin(states, state);

	if (begins)
		begin(states, state, sets);
	states->look |= complete && !begins;
	for (uint32_t i = 0; i < state->ranges.count && !complete; i++)
		if (sets[i] == NULL)
			bev_row_load_need(&states->loads, &state->ranges.range[i]);
	free(sets);
	return complete;
}

void
bev_state_ask(BevStates *states, BevSession *session, const char *id, BevSubscription *subscription,
              bool conflate, const BevAskedTypes *types)
{
	BevState *state = bev_alloc(sizeof(*state));

	state->states = states;
	state->session = session;
	state->id = id ? bev_copy_text(id, strlen(id)) : NULL;
	state->subscription = subscription;
	state->conflate = conflate;
	state->asked_at = state->went_on_at = now_of(states);
	state->is_beside = types->are_some;
	state->ranges = bev_asked_ranges_of(subscription, types);
	state->reader = (BevRowReader){
		.session = session,
		.id = state->id,
		.range = state->ranges.range,
		.ranges = state->ranges.count,
		.cache = cache_of(states),
		.spools = &states->loads.spools,
		.came = on_page,
		.owner = state,
	};
	session->rows = state;
	TAILQ_INSERT_TAIL(&states->waiting, state, entry);
	bev_count(states->fanout->counts,
	          try(states, state) ? BEV_COUNT_ROWS_CACHED : BEV_COUNT_ROWS_READ, 1);
}

/* ---- Reading ---- */

/* What it may see is something else than when it began. */
static void
begin_anew(BevStates *states, BevState *state)
{
	take_out(states, state);
	state->reads = false;
	state->asked_at = state->went_on_at = now_of(states);
	TAILQ_INSERT_TAIL(&states->waiting, state, entry);
	(void) try(states, state);
}

void
bev_state_go_on(BevStates *states, BevSession *session)
{
	BevState *state = session->rows;

	if (state->regrouped != session->regrouped && state->is_beside)
	{
		fail(states, state, "state_interrupted", "what you may see changed, try again",
		     ",\"retry_after\":1");
		return;
	}
	if (state->regrouped != session->regrouped)
	{
		begin_anew(states, state);
		return;
	}
	switch (bev_row_reader_give(&state->reader))
	{
		case BEV_ROWS_LEFT:
			bev_socket_want_write(&session->socket);
			break;
		case BEV_ROWS_ASKED:
			break;
		case BEV_ROWS_GIVEN:
			free_state(states, state);
			bev_fanout_place(states->fanout, session, session->cursor);
			break;
	}
}

static void
on_page(void *owner)
{
	BevState *state = owner;
	BevSession *session = state->session;

	if (bev_row_reader_failed(&state->reader))
		fail(state->states, state, "state_interrupted", "the rows could not be read on, try again",
		     ",\"retry_after\":1");
	else if (session->state == BEV_SESSION_OPEN && session->standing == BEV_READING)
		bev_state_go_on(state->states, session);
}

/* ---- All of them ---- */

void
bev_states_begin(BevStates *states, BevQuestions *questions, BevFanout *fanout)
{
	states->fanout = fanout;
	TAILQ_INIT(&states->waiting);
	TAILQ_INIT(&states->reading);
	states->loads = (BevRowLoads){
		.questions = questions,
		.sessions = fanout->sessions,
		.cache = cache_of(states),
		.spools = {.questions = questions},
		.events = &load_events,
		.owner = states,
	};
}

void
bev_states_free(BevStates *states)
{
	bev_row_loads_free(&states->loads);
}

/* Whom the stream was replaced for stands elsewhere now, and was told so. */
static void
end_displaced(BevStates *states)
{
	BevState *next;

	for (BevState *state = TAILQ_FIRST(&states->reading); state; state = next)
	{
		next = TAILQ_NEXT(state, entry);
		if (state->session->standing != BEV_READING)
			fail(states, state, "state_interrupted", "the stream is another one, try again", "");
	}
}

static void
try_all(BevStates *states)
{
	BevState *next;

	states->look = false;
	for (BevState *state = TAILQ_FIRST(&states->waiting); state; state = next)
	{
		next = TAILQ_NEXT(state, entry);
		if (state->session->state == BEV_SESSION_OPEN)
			(void) try(states, state);
	}
}

void
bev_states_run(BevStates *states)
{
	end_displaced(states);
	if (states->look && !states->fanout->stream.mid_transaction)
		try_all(states);
	bev_row_loads_run(&states->loads);
}

void
bev_states_tick(BevStates *states)
{
	BevState *next;

	for (BevState *state = TAILQ_FIRST(&states->waiting); state; state = next)
	{
		next = TAILQ_NEXT(state, entry);
		if (now_of(states) - state->went_on_at >= WAIT_MS)
			fail(states, state, "internal_error", "the rows took too long to be read", "");
	}
}

/* ---- One row ---- */

bool
bev_state_reply_row(BevStates *states, BevSession *session, const char *id, const char *type,
                    const char *key)
{
	uint64_t now = now_of(states);
	const BevRowVersion *version =
		bev_row_cache_find_row(cache_of(states), type, (BevSpan){key, (uint32_t) strlen(key)},
	                           now > AGE_MS ? now - AGE_MS : 0);
	const BevRowFace *face = version ? bev_row_version_find(version, &session->principals) : NULL;
	bool open = face && face->open_payload.len > 0 && !session->principals.is_admin;
	char *payload;

	if (face == NULL || bev_row_reader_is_choked(session))
		return false;
	if (!bev_fanout_serves(states->fanout, session))
		return false;
	payload = open ? bev_copy_text(face->open_payload.data, face->open_payload.len) :
	                 bev_copy_text(face->payload.data, face->payload.len);
	bev_reply_as_of(session, id, session->sessions->sent_tip, payload);
	free(payload);
	bev_count(states->fanout->counts, BEV_COUNT_ROWS_CACHED, 1);
	return true;
}
