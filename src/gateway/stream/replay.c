/*
 * replay.c - history, fetched from the dispatcher in chunks that are shared.
 *
 * Model: like an elevator.  The next fetch begins at the lowest position above
 * the last fetch's; at the top it starts over.  So positions close together are
 * served by one chunk, and nobody waits for more than one round.
 *
 * Memory: finished chunks up to the limit, the least recently used goes first;
 * at most BE_FETCHES_MAX more are being filled.
 *
 * Failure: an answer that brings its position nowhere breaks the pipe's rules;
 * the owner is told and ends the link.
 */
#include "gateway/stream/replay.h"
#include "gateway/stream/envelope.h"
#include "common/program/memory.h"

#include <stdlib.h>
#include <string.h>

#define CACHE_MAX		256		/* chunks */

typedef struct Fetch
{
	uint32_t	request;		/* 0: not under way */
	BeChunk    *chunk;
} Fetch;

typedef struct Cached
{
	BeChunk    *chunk;
	uint64_t	used;			/* larger is more recent */
} Cached;

struct BeReplay
{
	const BeReplayEvents *events;
	void	   *owner;
	BeWaiter   *first;
	Fetch		fetch[BE_FETCHES_MAX];
	Cached		cache[CACHE_MAX];
	int			cached;
	size_t		bytes;			/* of the cache */
	size_t		limit;
	uint64_t	clock;			/* for Cached.used */
	uint64_t	sweep;			/* where the last fetch began */
	uint64_t	span;			/* seqs that the last answer covered */
	uint32_t	last_request;
};

BeReplay *
be_replay_create(const BeReplayEvents *events, void *owner)
{
	BeReplay   *replay = be_alloc(sizeof(*replay));

	replay->events = events;
	replay->owner = owner;
	replay->limit = 32 * BE_FETCH_BYTES;
	replay->span = UINT64_MAX;	/* not known: one fetch at a time */
	return replay;
}

static void
drop_cached(BeReplay *replay, int i)
{
	replay->bytes -= be_chunk_size(replay->cache[i].chunk);
	be_chunk_free(replay->cache[i].chunk);
	replay->cache[i] = replay->cache[--replay->cached];
}

static void
forget(BeReplay *replay)
{
	while (replay->cached > 0)
		drop_cached(replay, 0);
	for (int i = 0; i < BE_FETCHES_MAX; i++)
	{
		be_chunk_free(replay->fetch[i].chunk);
		replay->fetch[i] = (Fetch) {0};
	}
	replay->sweep = 0;
	replay->span = UINT64_MAX;
}

void
be_replay_free(BeReplay *replay)
{
	forget(replay);
	free(replay);
}

/* Make room for more bytes. */
static void
evict(BeReplay *replay, size_t more)
{
	while (replay->cached > 0 &&
		   (replay->cached == CACHE_MAX || replay->bytes + more > replay->limit))
	{
		int			oldest = 0;

		for (int i = 1; i < replay->cached; i++)
			if (replay->cache[i].used < replay->cache[oldest].used)
				oldest = i;
		drop_cached(replay, oldest);
	}
}

void
be_replay_limit(BeReplay *replay, size_t limit)
{
	replay->limit = limit;
	evict(replay, 0);
}

BeChunk *
be_replay_find(BeReplay *replay, uint64_t seq)
{
	for (int i = 0; i < replay->cached; i++)
	{
		Cached	   *cached = &replay->cache[i];

		if (cached->chunk->after <= seq && seq < cached->chunk->covered)
		{
			cached->used = ++replay->clock;
			return cached->chunk;
		}
	}
	return NULL;
}

/* ---- Those who wait ---- */

void
be_replay_wait(BeReplay *replay, BeWaiter *waiter, uint64_t after)
{
	*waiter = (BeWaiter) {.after = after,.next = replay->first,.waiting = true};
	if (replay->first)
		replay->first->prev = waiter;
	replay->first = waiter;
}

void
be_replay_leave(BeReplay *replay, BeWaiter *waiter)
{
	if (!waiter->waiting)
		return;
	if (waiter->prev)
		waiter->prev->next = waiter->next;
	else
		replay->first = waiter->next;
	if (waiter->next)
		waiter->next->prev = waiter->prev;
	*waiter = (BeWaiter) {.after = waiter->after};
}

/*
 * Take those out who stand in [from, below), and tell each.  Telling may make
 * them wait again, at the head of the list, so the list is parted first.
 */
static void
tell(BeReplay *replay, uint64_t from, uint64_t below,
	 void (*what) (void *owner, BeWaiter *waiter))
{
	BeReplay	told = {0};
	BeWaiter   *next;

	for (BeWaiter *waiter = replay->first; waiter; waiter = next)
	{
		next = waiter->next;
		if (waiter->after < from || waiter->after >= below)
			continue;
		be_replay_leave(replay, waiter);
		be_replay_wait(&told, waiter, waiter->after);
	}
	while (told.first)
	{
		BeWaiter   *waiter = told.first;

		be_replay_leave(&told, waiter);
		what(replay->owner, waiter);
	}
}

/* ---- Asking ---- */

/* Will a fetch under way probably bring what follows this position? */
static bool
is_coming(const BeReplay *replay, uint64_t after)
{
	for (int i = 0; i < BE_FETCHES_MAX; i++)
	{
		const Fetch *fetch = &replay->fetch[i];

		if (fetch->request && fetch->chunk->after <= after &&
			after - fetch->chunk->after < replay->span)
			return true;
	}
	return false;
}

/* The lowest position at or above from that nothing is coming for. */
static const BeWaiter *
lowest(const BeReplay *replay, uint64_t from)
{
	const BeWaiter *best = NULL;

	for (const BeWaiter *waiter = replay->first; waiter; waiter = waiter->next)
		if (waiter->after >= from && (best == NULL || waiter->after < best->after) &&
			!is_coming(replay, waiter->after))
			best = waiter;
	return best;
}

/* History up to the floor, or to where a chunk that we have begins. */
static uint64_t
fetch_limit(const BeReplay *replay, uint64_t after, uint64_t floor)
{
	for (int i = 0; i < replay->cached; i++)
		if (replay->cache[i].chunk->after > after &&
			replay->cache[i].chunk->after < floor)
			floor = replay->cache[i].chunk->after;
	return floor;
}

static Fetch *
free_fetch(BeReplay *replay)
{
	for (int i = 0; i < BE_FETCHES_MAX; i++)
		if (replay->fetch[i].request == 0)
			return &replay->fetch[i];
	return NULL;
}

void
be_replay_ask(BeReplay *replay, uint64_t floor)
{
	Fetch	   *fetch;

	while (replay->first && (fetch = free_fetch(replay)) != NULL)
	{
		const BeWaiter *waiter = lowest(replay, replay->sweep);
		BeFetchMessage message = {.max_bytes = BE_FETCH_BYTES};

		if (waiter == NULL)
			waiter = lowest(replay, 0);
		if (waiter == NULL)
			return;
		if (++replay->last_request == 0)
			replay->last_request = 1;
		message.request = replay->last_request;
		message.after = waiter->after;
		message.upto = fetch_limit(replay, waiter->after, floor);
		fetch->request = message.request;
		fetch->chunk = be_chunk_create(waiter->after);
		replay->sweep = waiter->after;
		replay->events->fetch(replay->owner, &message);
	}
}

/* ---- Answers ---- */

static Fetch *
find_fetch(BeReplay *replay, uint32_t request)
{
	for (int i = 0; i < BE_FETCHES_MAX; i++)
		if (request != 0 && replay->fetch[i].request == request)
			return &replay->fetch[i];
	return NULL;
}

bool
be_replay_add(BeReplay *replay, const BeEventsMessage *message, uint32_t n,
			  const BeEvent *event)
{
	Fetch	   *fetch = find_fetch(replay, message->request);

	if (fetch == NULL)
		return true;			/* asked before a reset; nobody waits for it */
	/* A chunk's offsets have 32 bits; the first event may have any size. */
	if (message->first_seq + n <= fetch->chunk->covered ||
		(fetch->chunk->count > 0 &&
		 fetch->chunk->bytes.len + be_envelope_estimate(event) > UINT32_MAX / 2))
		return false;
	be_chunk_add(fetch->chunk, message, n, event);
	return true;
}

static void
keep(BeReplay *replay, BeChunk *chunk, uint64_t covered)
{
	chunk->covered = covered;
	chunk->bytes.data = be_realloc(chunk->bytes.data, chunk->bytes.len);
	chunk->bytes.size = chunk->bytes.len;
	evict(replay, be_chunk_size(chunk));
	replay->cache[replay->cached++] = (Cached) {chunk, ++replay->clock};
	replay->bytes += be_chunk_size(chunk);
	replay->span = covered - chunk->after;
}

bool
be_replay_end(BeReplay *replay, const BeFetchedMessage *message)
{
	Fetch	   *fetch = find_fetch(replay, message->request);
	BeChunk    *chunk;

	if (fetch == NULL)
		return true;
	chunk = fetch->chunk;
	*fetch = (Fetch) {0};

	if (message->result == BE_FETCH_GONE)
	{
		uint64_t	after = chunk->after;

		be_chunk_free(chunk);
		tell(replay, 0, message->dropped, replay->events->gone);
		return message->dropped > after;
	}
	if (message->covered <= chunk->after || message->covered < chunk->covered)
	{
		be_chunk_free(chunk);
		return false;
	}
	keep(replay, chunk, message->covered);
	tell(replay, chunk->after, chunk->covered, replay->events->ready);
	return true;
}

void
be_replay_reset(BeReplay *replay)
{
	forget(replay);
	tell(replay, 0, UINT64_MAX, replay->events->gone);
}
