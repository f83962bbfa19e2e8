/*
 * state.c - the rows that a client asks for together with its stream.
 *
 * Model
 *	Rows come from the cache (stream/row_cache.h), which the stream keeps current.  What isn't
 *	in it is loaded, once for all who wait for it: rounds of questions, each asked in the name
 *	of one of them.  When all ranges of a request are complete, between two batches and two
 *	transactions, they are exactly the table as of the tip.  The client is given a snapshot of
 *	them, in parts, and then placed at its seq, from where the window or the journal bring it what
 *	came since: no gap and no overlap, since that is how any client resumes
 *	(test/gateway/state_random.py).
 *
 *	Each item is judged when it is sent, by what the client is then.  Where that is not what it
 *	was when the parts began, they begin anew, as of another seq.
 *
 * Concurrency
 *	One thread.  Events go to the cache as they come; a snapshot doesn't change.
 *
 * Memory
 *	A part for each client that reads.  Snapshots share what they have, with each other and with
 *	the cache; all of it together is bounded by state_cache_size.  What is above that goes: sets
 *	that nobody used lately, then the client that reads for the longest time, then
 *	what is being loaded.
 *
 * Failure
 *	Told by an error with the request's id; a client that was given no part yet has the subscription
 *	that it had.
 *
 * Cost
 *	Rounds of questions for a range, whoever waits for it; for each client, a look at each row.
 */
#include "gateway/session/state.h"
#include "common/pipe/body.h"
#include "common/program/memory.h"
#include "gateway/session/reply.h"
#include "gateway/wire/frame.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PART_BYTES   (64 * 1024)
#define TURN_BYTES   (2 * PART_BYTES) /* for one client, before others are looked after */
#define PART_ROWS    20000            /* looked at, whoever may see them */
#define IDS_MAX      8                /* projects or bugs that are read each by itself */
#define RESTARTS_MAX 5
#define WAIT_MS      60000

#define TOO_BIG "these are more rows than can be given at once: narrow the subscription"

/* What nothing tells of (changes that are published by nobody) is known after so long. */
#define AGE_MS 30000

struct BevState
{
	TAILQ_ENTRY(BevState) entry;
	BevSession *session;
	char *id;                      /* JSON text, or NULL */
	BevSubscription *subscription; /* until it begins */
	bool conflate;
	bool begun;     /* and was replied to */
	bool is_beside; /* the rest of a stream, of which nothing may be left out */
	bool reads;
	uint64_t asked_at; /* loop time */
	BevRowRange *range;
	uint32_t ranges;

	/* While it reads */
	uint32_t regrouped; /* the session's, when it began */
	BevRowSnapshot **snapshot;
	uint32_t at;    /* the range, */
	uint32_t next;  /* and the row in it */
	bool has_given; /* a part, of this seq */
};

struct BevLoad
{
	LIST_ENTRY(BevLoad) entry;
	BevStates *states;
	BevRowSet *set; /* NULL: it was given up, but a question is under way */
	bool asks;
	char *after; /* where the next round begins; NULL: at the beginning */
	size_t loaded;
	int restarts;
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

/* ---- The request ---- */

static void
add_range(BevState *state, const char *type, BevRowScope scope, const char *id)
{
	BevRowRange range = {.type = (char *) type, .scope = scope, .id = (char *) id};

	state->range = bev_realloc(state->range, sizeof(BevRowRange) * (state->ranges + 1));
	state->range[state->ranges++] = bev_row_range_copy(&range);
}

/* What has to hold for all rows: one of few ids, or nothing that they could be found by. */
static void
add_ranges(BevState *state, const char *type)
{
	static const struct
	{
		BevNarrowing by;
		BevRowScope scope;
	} narrowings[] = {{BEV_BY_PROJECT, BEV_ROWS_OF_PROJECT}, {BEV_BY_BUG, BEV_ROWS_OF_BUG}};
	const BevSelection *selection =
		state->subscription ? bev_subscription_selection(state->subscription) : NULL;

	for (int i = 0; selection && i < 2; i++)
	{
		BevSelectionList ids;

		(void) bev_selection_list(selection, 0, narrowings[i].by, &ids);
		if (ids.count == 0 || ids.count > IDS_MAX)
			continue;
		for (uint32_t n = 0; n < ids.count; n++)
			add_range(state, type, narrowings[i].scope, ids.value[n]);
		return;
	}
	add_range(state, type, BEV_ROWS_ALL, NULL);
}

void
bev_state_add_type(BevStateTypes *types, const char *type)
{
	for (uint32_t i = 0; i < types->count; i++)
		if (strcmp(types->name[i], type) == 0)
			return;
	if (types->count <= BEV_STATE_TYPES_MAX)
		types->name[types->count++] = type;
}

/* Note those that a clause names; false: it names none. */
static bool
note_types(const BevSelection *selection, uint32_t clause, BevStateTypes *types)
{
	BevSelectionList list;

	(void) bev_selection_list(selection, clause, BEV_BY_TYPE, &list);
	for (uint32_t n = 0; n < list.count; n++)
		bev_state_add_type(types, list.value[n]);
	return list.count > 0;
}

/* Those that all rows have to be of, or those of all alternatives; none: any might pass. */
BevStateTypes
bev_state_types_of(const BevSubscription *subscription)
{
	const BevSelection *selection = subscription ? bev_subscription_selection(subscription) : NULL;
	uint32_t clauses = selection ? bev_selection_clauses(selection) : 0;
	BevStateTypes types = {.count = 0};

	if (clauses == 0 || note_types(selection, 0, &types))
		return types;
	for (uint32_t clause = 1; clause < clauses; clause++)
		if (!note_types(selection, clause, &types))
			return (BevStateTypes){.count = 0};
	return types;
}

static void
release_snapshots(BevStates *states, BevState *state)
{
	for (uint32_t i = 0; state->snapshot && i < state->ranges; i++)
		if (state->snapshot[i])
			bev_row_snapshot_release(state->snapshot[i], &cache_of(states)->bytes);
	free(state->snapshot);
	state->snapshot = NULL;
}

static void
take_out(BevStates *states, BevState *state)
{
	if (state->reads)
		TAILQ_REMOVE(&states->reading, state, entry);
	else
		TAILQ_REMOVE(&states->waiting, state, entry);
	release_snapshots(states, state);
}

static void
free_state(BevStates *states, BevState *state)
{
	take_out(states, state);
	state->session->rows = NULL;
	bev_subscription_free(state->subscription);
	for (uint32_t i = 0; i < state->ranges; i++)
		bev_row_range_free(&state->range[i]);
	free(state->range);
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

/* ---- Loading ---- */

static bool ask_round(BevLoad *load);

static void
free_load(BevLoad *load)
{
	LIST_REMOVE(load, entry);
	free(load->after);
	free(load);
}

/* A question that is under way comes back to it. */
static void
cancel(BevLoad *load)
{
	bev_row_cache_drop(cache_of(load->states), load->set);
	load->set = NULL;
	if (!load->asks)
		free_load(load);
}

/* Would the range be loaded by it? */
static bool
brings(const BevLoad *load, const BevRowRange *range)
{
	const BevRowRange *loaded = load->set ? &load->set->range : NULL;

	return loaded && (bev_row_range_is(loaded, range) ||
	                  (loaded->scope == BEV_ROWS_ALL && strcmp(loaded->type, range->type) == 0));
}

static bool
is_waited_for(const BevLoad *load, const BevState *state)
{
	for (uint32_t i = 0; i < state->ranges; i++)
		if (brings(load, &state->range[i]))
			return true;
	return false;
}

static void
fail_load(BevLoad *load, const char *code, const char *message, const char *more)
{
	BevStates *states = load->states;
	BevState *next;

	for (BevState *state = TAILQ_FIRST(&states->waiting); state; state = next)
	{
		next = TAILQ_NEXT(state, entry);
		if (is_waited_for(load, state))
			fail(states, state, code, message, more);
	}
	cancel(load);
}

static void
fail_by_answer(BevLoad *load, const BevAnswerMessage *answer, BevSpan rest)
{
	char more[64] = "";
	char *text = bev_copy_text(rest.data, rest.len);

	if (*answer->field)
		snprintf(more, sizeof(more), ",\"field\":\"%s\"", answer->field);
	fail_load(load, answer->code, text, more);
	free(text);
}

/* Events told less than is needed: from the beginning. */
static void
restart(BevLoad *load)
{
	if (++load->restarts > RESTARTS_MAX)
	{
		fail_load(load, "state_interrupted", "what is in the table changes as a whole, try again",
		          ",\"retry_after\":1");
		return;
	}
	bev_row_set_restart(load->set);
	free(load->after);
	load->after = NULL;
	load->loaded = 0;
	(void) ask_round(load);
}

/* False: malformed. */
static bool
take_rows(BevLoad *load, uint32_t count, BevSpan rest, bool *has_more)
{
	for (uint32_t i = 0; i < count; i++)
	{
		BevEvent event;

		if (!bev_body_next_record(&rest, &event))
			return false;
		load->loaded += event.size;
		bev_row_set_load(load->set, &event);
	}
	if (rest.len == 0 || (*rest.data != '+' && *rest.data != '.'))
		return false;
	*has_more = *rest.data == '+';
	free(load->after);
	load->after = bev_copy_text(rest.data + 1, rest.len - 1);
	return true;
}

static bool
relieve(BevStates *states)
{
	BevState *first;

	while (!bev_row_cache_trim(cache_of(states)) && (first = TAILQ_FIRST(&states->reading)) != NULL)
		fail(states, first, "state_interrupted", "you read more slowly than rows change, try again",
		     ",\"retry_after\":1");
	return bev_row_cache_trim(cache_of(states));
}

/* One may take half of it, so that whoever asks for too much leaves room for others. */
static bool
is_too_big(const BevLoad *load)
{
	return load->loaded > cache_of(load->states)->limit / 2 || !relieve(load->states);
}

static void
finish_load(BevLoad *load)
{
	BevStates *states = load->states;

	bev_row_set_finish(load->set, now_of(states));
	free_load(load);
	states->look = true;
}

static bool
on_rows(void *owner, const BevAnswerMessage *answer, BevSpan rest)
{
	BevLoad *load = owner;
	bool has_more;

	load->asks = false;
	if (load->set == NULL)
	{
		free_load(load);
		return true;
	}
	if (answer->kind == BEV_ANSWER_ERROR)
	{
		fail_by_answer(load, answer, rest);
		return true;
	}
	if (answer->kind != BEV_ANSWER_ROWS || !take_rows(load, answer->count, rest, &has_more))
		return false;
	if (load->set->spoiled)
		restart(load);
	else if (is_too_big(load))
		fail_load(load, "state_too_big", TOO_BIG, "");
	else if (has_more)
		return ask_round(load);
	else
		finish_load(load);
	return true;
}

/* One of those who wait for it. */
static const BevSession *
find_asker(const BevLoad *load)
{
	const BevState *state;

	TAILQ_FOREACH(state, &load->states->waiting, entry)
	if (state->session->state == BEV_SESSION_OPEN && is_waited_for(load, state))
		return state->session;
	return NULL;
}

static void
add_member(BevText *text, const char *name, const char *value)
{
	bev_text_printf(text, "%c\"%s\":", text->len == 0 ? '{' : ',', name);
	bev_text_add_json(text, value, strlen(value));
}

/* Nobody waits for it any more: that is no error. */
static bool
ask_round(BevLoad *load)
{
	const BevRowRange *range = &load->set->range;
	const BevSession *asker = find_asker(load);
	BevText payload = {0};

	if (asker == NULL)
	{
		cancel(load);
		return true;
	}
	add_member(&payload, "type", range->type);
	if (range->id)
		add_member(&payload, range->scope == BEV_ROWS_OF_PROJECT ? "project_id" : "bug_report_id",
		           range->id);
	if (load->after)
		add_member(&payload, "after", load->after);
	bev_text_add(&payload, "}", 2);
	load->asks = payload.len <= BEV_ASK_MAX;
	if (load->asks)
		bev_question_ask_shared(load->states->questions, asker, BEV_VERB_STATE, payload.data,
		                        on_rows, load);
	else
		fail_load(load, "internal_error", "a key is too long to go on from", "");
	bev_text_free(&payload);
	return true;
}

static void
need(BevStates *states, const BevRowRange *range)
{
	BevLoad *load;

	LIST_FOREACH (load, &states->loads, entry)
		if (brings(load, range))
			return;
	load = bev_alloc(sizeof(*load));
	load->states = states;
	load->set = bev_row_cache_add(cache_of(states), range);
	LIST_INSERT_HEAD(&states->loads, load, entry);
	(void) ask_round(load);
}

/* ---- Beginning ---- */

/* All ranges, or NULL where one isn't complete. */
static bool
find_sets(BevStates *states, const BevState *state, BevRowSet **sets)
{
	uint64_t since = state->asked_at > AGE_MS ? state->asked_at - AGE_MS : 0;
	bool all = true;

	for (uint32_t i = 0; i < state->ranges; i++)
	{
		sets[i] = bev_row_cache_find(cache_of(states), &state->range[i], since);
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
	state->at = state->next = 0;
	state->has_given = false;
	state->snapshot = bev_alloc(sizeof(BevRowSnapshot *) * state->ranges);
	for (uint32_t i = 0; i < state->ranges; i++)
		state->snapshot[i] = bev_row_set_snapshot(sets[i]);
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

/* Begin, or see to it that what it waits for comes; true: all is there. */
static bool
try(BevStates *states, BevState *state)
{
	BevRowSet **sets = bev_alloc(sizeof(BevRowSet *) * state->ranges);
	bool complete = find_sets(states, state, sets);
	bool begins = complete && !states->fanout->stream.mid_transaction && may_jump(state);

	if (begins)
		begin(states, state, sets);
	states->look |= complete && !begins;
	for (uint32_t i = 0; i < state->ranges && !complete; i++)
		if (sets[i] == NULL)
			need(states, &state->range[i]);
	free(sets);
	return complete;
}

void
bev_state_ask(BevStates *states, BevSession *session, const char *id, BevSubscription *subscription,
              bool conflate, const BevStateTypes *types)
{
	BevState *state = bev_alloc(sizeof(*state));

	state->session = session;
	state->id = id ? bev_copy_text(id, strlen(id)) : NULL;
	state->subscription = subscription;
	state->conflate = conflate;
	state->asked_at = now_of(states);
	state->is_beside = types->are_some;
	for (uint32_t i = 0; i < types->count; i++)
		add_ranges(state, types->name[i]);
	session->rows = state;
	TAILQ_INSERT_TAIL(&states->waiting, state, entry);
	bev_count(states->fanout->counts,
	          try(states, state) ? BEV_COUNT_ROWS_CACHED : BEV_COUNT_ROWS_READ, 1);
}

/* ---- Parts ---- */

/* Does the client want it, which sees this face of it? */
static bool
is_wanted(const BevSession *session, const BevRowRange *range, const BevRowFace *face)
{
	BevEvent row = {.field = {
						[BEV_EVENT_TYPE] = {range->type, (uint32_t) strlen(range->type)},
						[BEV_EVENT_PROJECT] = {face->project, (uint32_t) strlen(face->project)},
						[BEV_EVENT_BUG] = {face->bug, (uint32_t) strlen(face->bug)},
						[BEV_EVENT_PAYLOAD] = face->payload,
						[BEV_EVENT_OPEN_PAYLOAD] = face->open_payload,
					}};

	return bev_row_range_has(range, face->project, face->bug) &&
	       bev_subscription_passes_event(session->subscription, &row, session->principals.is_admin,
	                                     true);
}

/* The rows of a range from the next one on, as many as a part takes. */
static void
add_items(BevState *state, BevText *items)
{
	const BevSession *session = state->session;
	const BevRowRange *range = &state->range[state->at];
	const BevRowSnapshot *snapshot = state->snapshot[state->at];
	uint32_t end =
		snapshot->count - state->next > PART_ROWS ? state->next + PART_ROWS : snapshot->count;

	for (; state->next < end && items->len < PART_BYTES; state->next++)
	{
		const BevRowFace *face =
			bev_row_version_find(snapshot->version[state->next], &session->principals);
		bool open = face && face->open_payload.len > 0 && !session->principals.is_admin;
		BevSpan payload;

		if (face == NULL || !is_wanted(session, range, face))
			continue;
		payload = open ? face->open_payload : face->payload;
		bev_text_add_string(items, items->len > 0 ? "," : "");
		bev_text_add(items, payload.data, payload.len);
	}
}

static void
send_part(BevState *state, const char *type, const BevText *items, bool last)
{
	BevText json = {0};

	bev_text_printf(&json,
	                "{\"type\":\"state\",\"id\":%s,\"as_of\":%" PRIu64 ",\"payload\":{\"type\":",
	                state->id ? state->id : "null", state->session->cursor);
	bev_text_add_json(&json, type, strlen(type));
	bev_text_add_string(&json, ",\"items\":[");
	bev_text_add(&json, items->data, items->len);
	bev_text_printf(&json, "]%s%s}}", state->has_given ? "" : ",\"first\":true",
	                last ? ",\"last\":true" : "");
	state->has_given = true;
	bev_frame_add(&state->session->out, BEV_OP_TEXT, json.data, json.len);
	bev_text_free(&json);
}

/* The next part, if it has an item or is the last; true: it is the last. */
static bool
give_part(BevStates *states, BevState *state)
{
	BevText items = {0};
	const char *type = state->range[state->at].type;
	bool last = false;

	add_items(state, &items);
	if (state->next == state->snapshot[state->at]->count)
	{
		bev_row_snapshot_release(state->snapshot[state->at], &cache_of(states)->bytes);
		state->snapshot[state->at++] = NULL;
		state->next = 0;
		last = state->at == state->ranges;
	}
	if (items.len > 0 || last)
		send_part(state, type, &items, last);
	bev_text_free(&items);
	return last;
}

/* What it may see is something else than when it began. */
static void
begin_anew(BevStates *states, BevState *state)
{
	take_out(states, state);
	state->reads = false;
	state->asked_at = now_of(states);
	TAILQ_INSERT_TAIL(&states->waiting, state, entry);
	(void) try(states, state);
}

static bool
is_choked(const BevSession *session)
{
	return session->out.len > 0 || bev_socket_is_choked(&session->socket);
}

void
bev_state_go_on(BevStates *states, BevSession *session)
{
	BevState *state = session->rows;
	size_t given = 0;
	bool last = false;

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
	for (int rows = 0; !last && given < TURN_BYTES && rows < 2 && !is_choked(session); rows++)
	{
		last = give_part(states, state);
		given += session->out.len;
		bev_session_flush(session);
	}
	if (!last)
	{
		bev_socket_want_write(&session->socket);
		return;
	}
	free_state(states, state);
	bev_fanout_place(states->fanout, session, session->cursor);
}

/* ---- All of them ---- */

void
bev_states_begin(BevStates *states)
{
	TAILQ_INIT(&states->waiting);
	TAILQ_INIT(&states->reading);
}

void
bev_states_free(BevStates *states)
{
	BevLoad *load;

	while ((load = LIST_FIRST(&states->loads)) != NULL)
		free_load(load);
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

/* One that is under way. */
static BevLoad *
find_load(const BevStates *states)
{
	BevLoad *load;

	LIST_FOREACH (load, &states->loads, entry)
		if (load->set)
			return load;
	return NULL;
}

void
bev_states_run(BevStates *states)
{
	BevLoad *load;

	end_displaced(states);
	if (states->look && !states->fanout->stream.mid_transaction)
		try_all(states);
	while (!relieve(states) && (load = find_load(states)) != NULL)
		fail_load(load, "state_too_big", TOO_BIG, "");
}

void
bev_states_tick(BevStates *states)
{
	BevState *next;

	for (BevState *state = TAILQ_FIRST(&states->waiting); state; state = next)
	{
		next = TAILQ_NEXT(state, entry);
		if (now_of(states) - state->asked_at >= WAIT_MS)
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

	if (face == NULL || is_choked(session))
		return false;
	payload = open ? bev_copy_text(face->open_payload.data, face->open_payload.len) :
	                 bev_copy_text(face->payload.data, face->payload.len);
	bev_reply_as_of(session, id, session->sessions->sent_tip, payload);
	free(payload);
	bev_count(states->fanout->counts, BEV_COUNT_ROWS_CACHED, 1);
	return true;
}
