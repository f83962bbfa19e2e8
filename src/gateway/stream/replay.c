/*
 * replay.c - history, fetched from the dispatcher in chunks that are shared.
 *
 * Model
 *	Like an elevator.  The next fetch begins at the lowest position above the last fetch's;
 *	at the top it starts over.  So positions close together are served by one chunk, and
 *	nobody waits for more than one round.  A position that a fetch under way will probably
 *	reach, by the length of the last answer, is not asked for again.  Finished chunks are
 *	kept for those who come next, and found by the range that they cover.
 *
 * Concurrency
 *	One thread.  Whoever is told may wait again at once, so those who are to be told are
 *	taken out of the list first.  An answer to a request from before a reset finds no fetch
 *	and is passed over.
 *
 * Memory
 *	Finished chunks up to the limit and CACHE_MAX, the least recently used goes first; at
 *	most BEV_FETCHES_MAX more are being filled, each of about BEV_FETCH_BYTES, and one event
 *	of any size.
 *
 * Failure
 *	History that is gone is told to everyone below the point up to which it is.  An answer
 *	that breaks the order, brings its position nowhere or outgrows a chunk breaks the pipe's
 *	rules: the owner is told, and ends the link (test/unit/window_test.c).
 *
 * Cost
 *	As many fetches as the range that is missed has chunks, however many wait for them.  Who
 *	waits is a list that each fetch walks; the chunks are a list that each step of a session
 *	walks, CACHE_MAX entries at most.
 *
 * What an operator asks
 *	Do clients find what they missed?	bugevents_resumes_total{result}.
 */
#include "gateway/stream/replay.h"
#include "gateway/stream/envelope.h"
#include "common/program/memory.h"

#include <stdlib.h>
#include <string.h>

#define CACHE_MAX 256 /* chunks */

typedef struct Fetch
{
	uint32_t request; /* 0: not under way */
	BevChunk *chunk;
} Fetch;

typedef struct Cached
{
	BevChunk *chunk;
	uint64_t used; /* larger is more recent */
} Cached;

struct BevReplay
{
	const BevReplayEvents *events;
	void *owner;
	LIST_HEAD(Waiters, BevWaiter) waiters;
	Fetch fetch[BEV_FETCHES_MAX];
	Cached cache[CACHE_MAX];
	int cached;
	size_t bytes; /* of the cache */
	size_t limit;
	uint64_t clock; /* for Cached.used */
	uint64_t sweep; /* where the last fetch began */
	uint64_t span;  /* seqs that the last answer covered */
	uint32_t last_request;
};

BevReplay *
bev_replay_create(const BevReplayEvents *events, void *owner)
{
	BevReplay *replay = bev_alloc(sizeof(*replay));

	replay->events = events;
	replay->owner = owner;
	replay->limit = 32 * BEV_FETCH_BYTES;
	replay->span = UINT64_MAX; /* not known: one fetch at a time */
	return replay;
}

static void
drop_cached(BevReplay *replay, int i)
{
	replay->bytes -= bev_chunk_size(replay->cache[i].chunk);
	bev_chunk_free(replay->cache[i].chunk);
	replay->cache[i] = replay->cache[--replay->cached];
}

static void
forget(BevReplay *replay)
{
	while (replay->cached > 0)
		drop_cached(replay, 0);
	for (int i = 0; i < BEV_FETCHES_MAX; i++)
	{
		bev_chunk_free(replay->fetch[i].chunk);
		replay->fetch[i] = (Fetch){0};
	}
	replay->sweep = 0;
	replay->span = UINT64_MAX;
}

void
bev_replay_free(BevReplay *replay)
{
	forget(replay);
	free(replay);
}

/* Make room for more bytes. */
static void
evict(BevReplay *replay, size_t more)
{
	while (replay->cached > 0 &&
	       (replay->cached == CACHE_MAX || replay->bytes + more > replay->limit))
	{
		int oldest = 0;

		for (int i = 1; i < replay->cached; i++)
			if (replay->cache[i].used < replay->cache[oldest].used)
				oldest = i;
		drop_cached(replay, oldest);
	}
}

void
bev_replay_limit(BevReplay *replay, size_t limit)
{
	replay->limit = limit;
	evict(replay, 0);
}

BevChunk *
bev_replay_find(BevReplay *replay, uint64_t seq, bool whole)
{
	for (int i = 0; i < replay->cached; i++)
	{
		Cached *cached = &replay->cache[i];

		if (cached->chunk->after <= seq && seq < cached->chunk->covered &&
		    (cached->chunk->whole || !whole))
		{
			cached->used = ++replay->clock;
			return cached->chunk;
		}
	}
	return NULL;
}

/* ---- Those who wait ---- */

void
bev_replay_wait(BevReplay *replay, BevWaiter *waiter, uint64_t after, bool whole)
{
	*waiter = (BevWaiter){.after = after, .waiting = true, .whole = whole};
	LIST_INSERT_HEAD(&replay->waiters, waiter, entry);
}

void
bev_replay_leave(BevWaiter *waiter)
{
	if (!waiter->waiting)
		return;
	LIST_REMOVE(waiter, entry);
	*waiter = (BevWaiter){.after = waiter->after};
}

/*
 * Take those out who stand in [from, below), and tell each.  Telling may make
 * them wait again, at the head of the list, so the list is split first.
 */
static void
tell(BevReplay *replay, uint64_t from, uint64_t below, void (*what)(void *owner, BevWaiter *waiter))
{
	struct Waiters told = LIST_HEAD_INITIALIZER(told);
	BevWaiter *next;

	for (BevWaiter *waiter = LIST_FIRST(&replay->waiters); waiter; waiter = next)
	{
		next = LIST_NEXT(waiter, entry);
		if (waiter->after < from || waiter->after >= below)
			continue;
		LIST_REMOVE(waiter, entry);
		LIST_INSERT_HEAD(&told, waiter, entry);
	}
	while (!LIST_EMPTY(&told))
	{
		BevWaiter *waiter = LIST_FIRST(&told);

		bev_replay_leave(waiter);
		what(replay->owner, waiter);
	}
}

/* ---- Asking ---- */

/* Will a fetch under way probably bring what follows this position?  One is whole if it says so. */
static bool
is_coming(const BevReplay *replay, uint64_t after, bool whole)
{
	for (int i = 0; i < BEV_FETCHES_MAX; i++)
	{
		const Fetch *fetch = &replay->fetch[i];

		if (fetch->request && (fetch->chunk->whole || !whole) && fetch->chunk->after <= after &&
		    after - fetch->chunk->after < replay->span)
			return true;
	}
	return false;
}

/* The lowest position at or above from that nothing is coming for. */
static const BevWaiter *
lowest(const BevReplay *replay, uint64_t from)
{
	const BevWaiter *best = NULL;
	const BevWaiter *waiter;

	LIST_FOREACH (waiter, &replay->waiters, entry)
		if (waiter->after >= from && (best == NULL || waiter->after < best->after) &&
		    !is_coming(replay, waiter->after, waiter->whole))
			best = waiter;
	return best;
}

/* History up to the floor, or to where a chunk that we have begins. */
static uint64_t
fetch_limit(const BevReplay *replay, const BevWaiter *waiter, uint64_t floor)
{
	for (int i = 0; i < replay->cached; i++)
	{
		const BevChunk *chunk = replay->cache[i].chunk;

		if (chunk->after > waiter->after && chunk->after < floor &&
		    (chunk->whole || !waiter->whole))
			floor = chunk->after;
	}
	return floor;
}

static Fetch *
free_fetch(BevReplay *replay)
{
	for (int i = 0; i < BEV_FETCHES_MAX; i++)
		if (replay->fetch[i].request == 0)
			return &replay->fetch[i];
	return NULL;
}

void
bev_replay_ask(BevReplay *replay, uint64_t floor, uint64_t whole_floor)
{
	Fetch *fetch;

	while (!LIST_EMPTY(&replay->waiters) && (fetch = free_fetch(replay)) != NULL)
	{
		const BevWaiter *waiter = lowest(replay, replay->sweep);
		BevFetchMessage message = {.max_bytes = BEV_FETCH_BYTES};

		if (waiter == NULL)
			waiter = lowest(replay, 0);
		if (waiter == NULL)
			return;
		if (++replay->last_request == 0)
			replay->last_request = 1;
		message.request = replay->last_request;
		message.after = waiter->after;
		message.upto = fetch_limit(replay, waiter, waiter->whole ? whole_floor : floor);
		fetch->request = message.request;
		fetch->chunk = bev_chunk_create(waiter->after);
		fetch->chunk->whole = waiter->whole;
		replay->sweep = waiter->after;
		replay->events->fetch(replay->owner, &message);
	}
}

/* ---- Answers ---- */

static Fetch *
find_fetch(BevReplay *replay, uint32_t request)
{
	for (int i = 0; i < BEV_FETCHES_MAX; i++)
		if (request != 0 && replay->fetch[i].request == request)
			return &replay->fetch[i];
	return NULL;
}

bool
bev_replay_add(BevReplay *replay, const BevEventsMessage *message, uint32_t n,
               const BevEvent *event)
{
	Fetch *fetch = find_fetch(replay, message->request);

	if (fetch == NULL)
		return true; /* asked before a reset; nobody waits for it */
	/* A chunk's offsets have 32 bits; the first event may have any size. */
	if (message->first_seq + n <= fetch->chunk->covered ||
	    (fetch->chunk->count > 0 &&
	     fetch->chunk->bytes.len + bev_envelope_estimate(event) > UINT32_MAX / 2))
		return false;
	bev_chunk_add(fetch->chunk, message, n, event);
	return true;
}

static void
keep(BevReplay *replay, BevChunk *chunk, uint64_t covered)
{
	chunk->covered = covered;
	chunk->bytes.data = bev_realloc(chunk->bytes.data, chunk->bytes.len);
	chunk->bytes.size = chunk->bytes.len;
	evict(replay, bev_chunk_size(chunk));
	replay->cache[replay->cached++] = (Cached){chunk, ++replay->clock};
	replay->bytes += bev_chunk_size(chunk);
	replay->span = covered - chunk->after;
}

bool
bev_replay_end(BevReplay *replay, const BevFetchedMessage *message, bool whole)
{
	Fetch *fetch = find_fetch(replay, message->request);
	BevChunk *chunk;

	if (fetch == NULL)
		return true;
	chunk = fetch->chunk;
	*fetch = (Fetch){0};

	if (message->result == BEV_FETCH_GONE)
	{
		uint64_t after = chunk->after;

		bev_chunk_free(chunk);
		tell(replay, 0, message->dropped, replay->events->gone);
		return message->dropped > after;
	}
	if (message->covered <= chunk->after || message->covered < chunk->covered)
	{
		bev_chunk_free(chunk);
		return false;
	}
	chunk->whole = whole;
	keep(replay, chunk, message->covered);
	tell(replay, chunk->after, chunk->covered, replay->events->ready);
	return true;
}

void
bev_replay_reset(BevReplay *replay)
{
	forget(replay);
	tell(replay, 0, UINT64_MAX, replay->events->gone);
}
