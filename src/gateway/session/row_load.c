/*
 * row_load.c - rows that are being read of the database, for all who wait for them.
 *
 * Model
 *	A range is read in rounds: a question asks for the rows behind those of the round before, in
 *	the name of one of those who wait.  What events say meanwhile goes into the same set
 *	(stream/row_set.c), and when the last round is in, that is complete.
 *
 *	Where it takes more than half of the cache it begins anew, and the rounds write what they
 *	read to a spool (row_spool.h), of which the set keeps only what events change.
 *
 * Memory
 *	Rows of half of the cache, or none.
 *
 * Failure
 *	Told to all who wait.  An event that says less than is needed begins it anew, RESTARTS_MAX
 *	times.  Where the server has no room for a spool, those that nobody reads are dropped first.
 *
 * Cost
 *	Rounds of questions for a range, whoever waits for it; where it doesn't fit, those that
 *	fill half of the cache twice.
 */
#include "gateway/session/row_load.h"
#include "common/pipe/body.h"
#include "common/program/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define RESTARTS_MAX 5

struct BevRowLoad
{
	LIST_ENTRY(BevRowLoad) entry;
	BevRowLoads *loads;
	BevRowSet *set; /* NULL: it was given up, but a question is under way */
	BevRowBase *base;
	bool asks;
	bool waits;  /* for room on the server's disk */
	bool yields; /* what it had in memory, to begin a spool when it is answered */
	char *after; /* where the next round begins; NULL: at the beginning */
	size_t loaded;
	int restarts;
};

static bool ask_round(BevRowLoad *load);

static void
free_load(BevRowLoad *load)
{
	LIST_REMOVE(load, entry);
	bev_row_base_release(load->base);
	free(load->after);
	free(load);
}

/* A question that is under way comes back to it, and has its spool until then. */
static void
cancel(BevRowLoad *load)
{
	bev_row_cache_drop(load->loads->cache, load->set);
	load->set = NULL;
	if (!load->asks)
		free_load(load);
}

bool
bev_row_load_brings(const BevRowLoad *load, const BevRowRange *range)
{
	const BevRowRange *loaded = load->set ? &load->set->range : NULL;

	return loaded && (bev_row_range_is(loaded, range) ||
	                  (loaded->scope == BEV_ROWS_ALL && strcmp(loaded->type, range->type) == 0));
}

static void
fail(BevRowLoad *load, const char *code, const char *message, const char *more)
{
	load->loads->events->failed(load->loads->owner, load, code, message, more);
	cancel(load);
}

static void
fail_by_changes(BevRowLoad *load)
{
	fail(load, "state_interrupted", "more rows change than can be kept, try again",
	     ",\"retry_after\":1");
}

/* ---- Beginning anew ---- */

static void
begin(BevRowLoad *load)
{
	bev_row_set_restart(load->set, load->base);
	free(load->after);
	load->after = NULL;
	load->loaded = 0;
	(void) ask_round(load);
}

/* Events told less than is needed: from the beginning. */
static void
restart(BevRowLoad *load)
{
	if (++load->restarts > RESTARTS_MAX)
		fail(load, "state_interrupted", "what is in the table changes as a whole, try again",
		     ",\"retry_after\":1");
	else
		begin(load);
}

/* It is too much for memory. */
static void
begin_spool(BevRowLoad *load)
{
	load->yields = false;
	load->base = bev_row_spool_take(&load->loads->spools);
	if (load->base)
	{
		bev_count(load->loads->sessions->counts, BEV_COUNT_ROWS_SPOOLED, 1);
		begin(load);
	}
	else
		fail(load, "state_interrupted", "too many great tables are being read, try again",
		     ",\"retry_after\":5");
}

/* The server has no room: there may be some when what nobody reads is dropped. */
static bool
may_wait_for_room(const BevRowLoad *load)
{
	return load->base && (bev_row_cache_drop_unread(load->loads->cache) ||
	                      bev_row_spools_wait(&load->loads->spools));
}

static void
fail_by_answer(BevRowLoad *load, const BevAnswerMessage *answer, BevSpan rest)
{
	char more[64] = "";
	char *text = bev_copy_text(rest.data, rest.len);

	if (*answer->field)
		snprintf(more, sizeof(more), ",\"field\":\"%s\"", answer->field);
	if (strcmp(answer->code, "state_too_big") == 0 && may_wait_for_room(load))
		load->waits = true;
	else
		fail(load, answer->code, text, more);
	free(text);
}

/* ---- Rounds ---- */

/* False: malformed. */
static bool
take_rows(BevRowLoad *load, uint32_t count, BevSpan rest, bool *has_more)
{
	for (uint32_t i = 0; i < count; i++)
	{
		BevEvent event;

		if (load->base || !bev_body_next_record(&rest, &event))
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

/* Whoever asks for much leaves room for others. */
static bool
is_too_big(const BevRowLoad *load)
{
	return load->yields || load->loaded > load->loads->cache->limit / 2 ||
	       !load->loads->events->relieve(load->loads->owner);
}

static void
finish(BevRowLoad *load)
{
	BevRowLoads *loads = load->loads;

	bev_row_set_finish(load->set, uv_now(loads->sessions->loop));
	free_load(load);
	loads->events->finished(loads->owner);
}

static bool
go_on(BevRowLoad *load, bool has_more)
{
	load->loads->events->went_on(load->loads->owner, load);
	if (load->set->spoiled)
		restart(load);
	else if (is_too_big(load) && load->base)
		fail_by_changes(load);
	else if (is_too_big(load))
		begin_spool(load);
	else if (has_more)
		return ask_round(load);
	else
		finish(load);
	return true;
}

static bool
on_rows(void *owner, const BevAnswerMessage *answer, BevSpan rest)
{
	BevRowLoad *load = owner;
	bool has_more;

	load->asks = false;
	if (load->set == NULL)
		free_load(load);
	else if (answer->kind == BEV_ANSWER_ERROR)
		fail_by_answer(load, answer, rest);
	else
		return answer->kind == BEV_ANSWER_ROWS && take_rows(load, answer->count, rest, &has_more) &&
		       go_on(load, has_more);
	return true;
}

static void
add_member(BevText *text, const char *name, const char *value)
{
	bev_text_printf(text, "%c\"%s\":", text->len == 0 ? '{' : ',', name);
	bev_text_add_json(text, value, strlen(value));
}

static void
add_round(BevText *payload, const BevRowLoad *load)
{
	const BevRowRange *range = &load->set->range;

	add_member(payload, "type", range->type);
	if (range->id)
		add_member(payload, range->scope == BEV_ROWS_OF_PROJECT ? "project_id" : "bug_report_id",
		           range->id);
	if (load->after)
		add_member(payload, "after", load->after);
	if (load->base)
		bev_text_printf(payload, ",\"spool\":%" PRIu32, load->base->number);
	bev_text_add(payload, "}", 2);
}

/* Nobody waits for it any more: that is no error. */
static bool
ask_round(BevRowLoad *load)
{
	const BevSession *asker = load->loads->events->asker(load->loads->owner, load);
	BevText payload = {0};

	if (asker == NULL)
	{
		cancel(load);
		return true;
	}
	add_round(&payload, load);
	load->asks = payload.len <= BEV_ASK_MAX;
	if (load->asks)
		bev_question_ask_shared(load->loads->questions, asker, BEV_VERB_STATE, payload.data,
		                        on_rows, load);
	else
		fail(load, "internal_error", "a key is too long to go on from", "");
	bev_text_free(&payload);
	return true;
}

/* ---- All of them ---- */

void
bev_row_load_need(BevRowLoads *loads, const BevRowRange *range)
{
	BevRowLoad *load;

	LIST_FOREACH (load, &loads->loads, entry)
		if (bev_row_load_brings(load, range))
			return;
	load = bev_alloc(sizeof(*load));
	load->loads = loads;
	load->set = bev_row_cache_add(loads->cache, range);
	LIST_INSERT_HEAD(&loads->loads, load, entry);
	(void) ask_round(load);
}

/* One that takes memory. */
static BevRowLoad *
find_under_way(const BevRowLoads *loads)
{
	BevRowLoad *load;

	LIST_FOREACH (load, &loads->loads, entry)
		if (load->set && !load->yields)
			return load;
	return NULL;
}

static void
yield_memory(BevRowLoad *load)
{
	if (load->base)
	{
		fail_by_changes(load);
		return;
	}
	load->yields = true;
	bev_row_set_restart(load->set, NULL);
}

static BevRowLoad *
find_waiting(const BevRowLoads *loads)
{
	BevRowLoad *load;

	LIST_FOREACH (load, &loads->loads, entry)
		if (load->waits)
			return load;
	return NULL;
}

void
bev_row_loads_run(BevRowLoads *loads)
{
	BevRowLoad *load;

	while (!loads->events->relieve(loads->owner) && (load = find_under_way(loads)) != NULL)
		yield_memory(load);
	bev_row_spools_run(&loads->spools, loads->sessions);
	while (!bev_row_spools_wait(&loads->spools) && (load = find_waiting(loads)) != NULL)
	{
		load->waits = false;
		restart(load);
	}
}

void
bev_row_loads_free(BevRowLoads *loads)
{
	BevRowLoad *load;

	while ((load = LIST_FIRST(&loads->loads)) != NULL)
		free_load(load);
	bev_row_spools_free(&loads->spools);
}
